import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SourceContent } from '@cfskit/oci-spec/testing';

/** A registry with one repository, `app`, over plain HTTP. */
export interface RegistryStub {
  /** `localhost:port/app`. */
  readonly name: string;
  /** Requests for blobs, by digest. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

/** What the registry holds: tags on manifests or indexes, and blobs, both by digest. */
export interface RegistryContent extends Pick<SourceContent, 'blobs'> {
  readonly tags: Readonly<Record<string, { readonly digest: string; readonly mediaType: string }>>;
  readonly mediaTypes?: Readonly<Record<string, string>>;
  /** Blobs of which only so many bytes are ever sent. */
  readonly stalling?: Readonly<Record<string, number>>;
}

/** Start a registry on a free port of this machine. */
export async function startRegistry(content: RegistryContent): Promise<RegistryStub> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const [, kind, reference = ''] = /^\/v2\/app\/(manifests|blobs)\/([^?]+)$/.exec(request.url ?? '') ?? [];
    if (kind === 'blobs') asked.push(reference);
    if (kind === 'manifests') sendManifest(response, content, reference, request.method === 'HEAD');
    else if (kind === 'blobs') sendBlob(response, content, reference, request.method === 'HEAD');
    else response.writeHead(200).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    name: `localhost:${port}/app`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function sendManifest(response: ServerResponse, { tags, blobs, mediaTypes }: RegistryContent, reference: string, isHead: boolean): void {
  const digest = tags[reference]?.digest ?? reference;
  const bytes = blobs.get(digest);
  const type = tags[reference]?.mediaType ?? mediaTypes?.[digest] ?? Object.values(tags).find((tag) => tag.digest === digest)?.mediaType;
  if (bytes === undefined || type === undefined) {
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"unknown"}]}');
    return;
  }
  response.writeHead(200, { 'content-type': type, 'content-length': bytes.byteLength, 'docker-content-digest': digest });
  response.end(isHead ? undefined : bytes);
}

function sendBlob(response: ServerResponse, { blobs, stalling }: RegistryContent, digest: string, isHead: boolean): void {
  const bytes = blobs.get(digest);
  if (bytes === undefined) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'content-length': bytes.byteLength });
  const limit = stalling?.[digest];
  if (isHead) response.end();
  else if (limit === undefined) response.end(bytes);
  else response.write(bytes.subarray(0, limit));
}
