import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Packaged } from '@cfskit/fixtures';

/** A registry with one repository, `app`, over plain HTTP. */
export interface RegistryStub extends AsyncDisposable {
  /** `docker://localhost:port/app:1`. */
  readonly reference: string;
  /** Resolves when a blob has been asked for that is not sent to its end. */
  readonly stalled: Promise<void>;
}

/** Start a registry with this image under the tag 1. Of blobs larger than `stallAt` only so many bytes are sent. */
export async function startRegistry(image: Packaged, stallAt = Infinity): Promise<RegistryStub> {
  const { promise: stalled, resolve: stall } = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    const reference = /^\/v2\/app\/(?:manifests|blobs)\/([^?]+)$/.exec(request.url ?? '')?.[1];
    const blob = reference === '1' ? image : image.blobs.find(({ descriptor }) => descriptor.digest === reference);
    if (blob === undefined) {
      response.writeHead(reference === undefined ? 200 : 404).end('{}');
      return;
    }
    const { mediaType, digest, size } = blob.descriptor;
    response.writeHead(200, { 'content-type': mediaType, 'content-length': size, 'docker-content-digest': digest });
    if (request.method === 'HEAD' || size <= stallAt) response.end(request.method === 'HEAD' ? undefined : blob.bytes);
    else response.write(blob.bytes.subarray(0, stallAt), () => stall());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    reference: `docker://localhost:${(server.address() as AddressInfo).port}/app:1`,
    stalled,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
