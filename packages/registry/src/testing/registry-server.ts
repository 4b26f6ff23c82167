import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { mediaTypes, type Descriptor } from '@cfskit/oci-spec';
import { readRequest, sendBytes, sendError, sendJson } from './answers.ts';
import { LoginDesk, type TestLogin } from './registry-login.ts';
import { TestRepository } from './repository-store.ts';
import { Uploads } from './uploads.ts';

/** What a test registry is like. */
export interface TestRegistryOptions {
  readonly login?: TestLogin;
  /** Serve https with this certificate and key. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Whether it keeps track of subjects; true if not said. */
  readonly referrers?: boolean;
  /** Most entries on one page of a list. */
  readonly pageSize?: number;
  /** What it says as `OCI-Chunk-Min-Length`. */
  readonly chunkMinLength?: number;
  /** Sees each request first. What it returns true for, it has answered itself: this is how faults are made. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;
}

/** A request that a test registry got. */
export interface TestRequest {
  readonly method: string;
  /** With query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** A registry in this process, on 127.0.0.1, with everything in memory. For tests and for trying things out. */
export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`, to put in front of names. */
  readonly registry: string;
  /** With scheme. */
  readonly url: string;
  /** In the order in which they came. */
  readonly requests: readonly TestRequest[];
  /** Made when it is first asked for. */
  repository(name: string): TestRepository;
  /** End it; connections are cut. */
  close(): Promise<void>;
}

/** Start a registry that knows all of the distribution specification that a client needs: pull, push, lists, referrers, logins. */
export async function startTestRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const state = new RegistryState(options);
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    state.answer(request, response).catch(() => response.destroy());
  };
  const server: Server = options.tls === undefined ? createServer(handle) : createSecureServer(options.tls, handle);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  server.unref();
  const registry = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = `${options.tls === undefined ? 'http' : 'https'}://${registry}`;
  state.origin = url;
  const close = (): Promise<void> => closeServer(server);
  const repository = (name: string): TestRepository => state.repository(name);
  return { registry, url, requests: state.requests, repository, close, [Symbol.asyncDispose]: close };
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeAllConnections();
  await closed;
}

class RegistryState {
  origin = '';
  readonly requests: TestRequest[] = [];
  readonly #options: TestRegistryOptions;
  readonly #repositories = new Map<string, TestRepository>();
  readonly #login: LoginDesk | undefined;
  readonly #uploads: Uploads;

  constructor(options: TestRegistryOptions) {
    this.#options = options;
    this.#login = options.login && new LoginDesk(options.login);
    this.#uploads = new Uploads(options.chunkMinLength);
  }

  repository(name: string): TestRepository {
    const found = this.#repositories.get(name) ?? new TestRepository();
    this.#repositories.set(name, found);
    return found;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request;
    this.requests.push({ method, path, headers });
    if ((await this.#options.intercept?.(request, response)) === true) return;
    const url = new URL(path, this.origin);
    response.setHeader('docker-distribution-api-version', 'registry/2.0');
    if (this.#login?.refuses(request, response, url) !== true) await this.#route(request, response, url);
  }

  async #route(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const [, name = '', kind, rest = ''] =
      /^\/v2\/(?:(.+?)\/(manifests|blobs\/uploads|blobs|tags|referrers)\/(.*))?$/.exec(url.pathname) ?? [];
    if (url.pathname === '/v2/') return sendJson(response, 200, {});
    const isWrite = request.method !== 'GET' && request.method !== 'HEAD';
    if (kind === undefined) return sendError(response, 404, 'NAME_UNKNOWN', 'no such page');
    if (!isWrite && !this.#repositories.has(name)) return sendError(response, 404, 'NAME_UNKNOWN', 'repository name not known to registry');
    const repository = this.repository(name);
    if (kind === 'tags') return this.#list(response, url, name, repository);
    if (kind === 'referrers') return this.#referrers(response, url, repository.referrersOf(rest));
    if (kind === 'manifests') return await this.#manifest(request, response, rest, repository);
    if (kind === 'blobs') return sendBlob(request, response, rest, repository);
    if (request.method === 'POST') return this.#uploads.start(response, name, url, this.#repositories);
    await this.#uploads.proceed(request, response, name, url, repository);
  }

  #list(response: ServerResponse, url: URL, name: string, repository: TestRepository): void {
    const tags = [...repository.tags.keys()];
    const start = tags.indexOf(url.searchParams.get('last') ?? '') + 1;
    const size = Math.min(Number(url.searchParams.get('n') ?? Infinity), this.#options.pageSize ?? Infinity);
    const page = tags.slice(start, start + size);
    if (start + size < tags.length) response.setHeader('link', `</v2/${name}/tags/list?n=${size}&last=${page.at(-1)}>; rel="next"`);
    sendJson(response, 200, { name, tags: page });
  }

  #referrers(response: ServerResponse, url: URL, entries: readonly Descriptor[]): void {
    if (this.#options.referrers === false) return sendError(response, 404, 'NOT_FOUND', 'page not found');
    const artifactType = url.searchParams.get('artifactType');
    const manifests = artifactType === null ? entries : entries.filter((entry) => entry.artifactType === artifactType);
    if (artifactType !== null) response.setHeader('oci-filters-applied', 'artifactType');
    sendJson(response, 200, { schemaVersion: 2, mediaType: mediaTypes.index, manifests }, mediaTypes.index);
  }

  async #manifest(request: IncomingMessage, response: ServerResponse, reference: string, repository: TestRepository): Promise<void> {
    if (request.method === 'PUT') return await this.#putManifest(request, response, reference, repository);
    const found = repository.manifest(reference);
    if (found === undefined) return sendError(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown', { reference });
    response.setHeader('docker-content-digest', found.digest);
    sendBytes(response, 200, found.bytes, found.mediaType);
  }

  async #putManifest(request: IncomingMessage, response: ServerResponse, reference: string, repository: TestRepository): Promise<void> {
    const bytes = await readRequest(request);
    const missing = missingFrom(bytes, repository);
    if (missing !== undefined) return sendError(response, 400, 'MANIFEST_BLOB_UNKNOWN', 'blob unknown to registry', missing);
    const { digest } = repository.put(bytes, request.headers['content-type'], reference.includes(':') ? undefined : reference);
    const subject = (JSON.parse(new TextDecoder().decode(bytes)) as { readonly subject?: Descriptor }).subject;
    if (subject !== undefined && this.#options.referrers !== false) response.setHeader('oci-subject', subject.digest);
    response.writeHead(201, { 'docker-content-digest': digest, location: `/v2/manifests/${digest}` }).end();
  }
}

/** The first thing that a manifest names and the repository does not have. */
function missingFrom(bytes: Uint8Array, { blobs, manifests }: TestRepository): string | undefined {
  type Document = { readonly config?: Descriptor; readonly layers?: readonly Descriptor[]; readonly manifests?: readonly Descriptor[] };
  const document = JSON.parse(new TextDecoder().decode(bytes)) as Document;
  const named = [...(document.config === undefined ? [] : [document.config]), ...(document.layers ?? [])].filter(
    ({ urls }) => urls === undefined,
  );
  const blob = named.find(({ digest }) => !blobs.has(digest));
  return (blob ?? document.manifests?.find(({ digest }) => !manifests.has(digest)))?.digest;
}

function sendBlob(request: IncomingMessage, response: ServerResponse, digest: string, { blobs }: TestRepository): void {
  const bytes = blobs.get(digest);
  if (bytes === undefined) return sendError(response, 404, 'BLOB_UNKNOWN', 'blob unknown to registry', digest);
  response.setHeader('docker-content-digest', digest);
  response.setHeader('accept-ranges', 'bytes');
  const range = /^bytes=([0-9]+)-([0-9]*)$/.exec(request.headers.range ?? '');
  if (range === null) return sendBytes(response, 200, bytes, 'application/octet-stream');
  const start = Number(range[1]);
  const end = range[2] === '' ? bytes.byteLength : Math.min(bytes.byteLength, Number(range[2]) + 1);
  if (start >= end) return sendError(response, 416, 'RANGE_INVALID', 'no such range');
  response.setHeader('content-range', `bytes ${start}-${end - 1}/${bytes.byteLength}`);
  sendBytes(response, 206, bytes.subarray(start, end), 'application/octet-stream');
}
