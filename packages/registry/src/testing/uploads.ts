import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { digestOf } from '@cfskit/oci-spec';
import { readRequest, sendError } from './answers.ts';
import type { TestRepository } from './repository-store.ts';

/** The uploads that are under way in a test registry. */
export class Uploads {
  readonly #open = new Map<string, Uint8Array>();
  readonly #chunkMinLength: number | undefined;

  constructor(chunkMinLength: number | undefined) {
    this.#chunkMinLength = chunkMinLength;
  }

  /** `POST`: mounts a blob if it can, and opens an upload otherwise. */
  start(response: ServerResponse, name: string, url: URL, repositories: ReadonlyMap<string, TestRepository>): void {
    const [mount, from] = [url.searchParams.get('mount') ?? '', url.searchParams.get('from') ?? ''];
    const bytes = repositories.get(from)?.blobs.get(mount);
    if (bytes !== undefined) {
      repositories.get(name)!.blobs.set(mount, bytes);
      response.writeHead(201, { location: `/v2/${name}/blobs/${mount}`, 'docker-content-digest': mount }).end();
      return;
    }
    const id = randomUUID();
    this.#open.set(id, new Uint8Array(0));
    if (this.#chunkMinLength !== undefined) response.setHeader('oci-chunk-min-length', this.#chunkMinLength);
    response.writeHead(202, this.#state(name, id)).end();
  }

  /** `GET`, `PATCH`, `PUT` and `DELETE` of an upload. */
  async proceed(request: IncomingMessage, response: ServerResponse, name: string, url: URL, repository: TestRepository): Promise<void> {
    const id = url.pathname.split('/').at(-1)!;
    const received = this.#open.get(id);
    if (received === undefined) sendError(response, 404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry');
    else if (request.method === 'GET') response.writeHead(204, this.#state(name, id)).end();
    else if (request.method === 'DELETE') this.#cancel(response, id);
    else await this.#receive(request, response, { name, id, received, digest: url.searchParams.get('digest'), repository });
  }

  async #receive(request: IncomingMessage, response: ServerResponse, upload: Upload): Promise<void> {
    const { name, id, received, digest, repository } = upload;
    const start = /^([0-9]+)-/.exec(request.headers['content-range'] ?? '')?.[1];
    if (start !== undefined && Number(start) !== received.byteLength) {
      sendError(response, 416, 'RANGE_INVALID', 'not where the upload stands');
      return;
    }
    const bytes = new Uint8Array(Buffer.concat([received, await readRequest(request)]));
    this.#open.set(id, bytes);
    if (request.method === 'PATCH') response.writeHead(202, this.#state(name, id)).end();
    else if (digest !== digestOf(bytes)) sendError(response, 400, 'DIGEST_INVALID', 'provided digest did not match uploaded content');
    else {
      this.#open.delete(id);
      repository.blobs.set(digest, bytes);
      response.writeHead(201, { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest }).end();
    }
  }

  #cancel(response: ServerResponse, id: string): void {
    this.#open.delete(id);
    response.writeHead(204).end();
  }

  #state(name: string, id: string): Record<string, string> {
    const size = this.#open.get(id)!.byteLength;
    return { location: `/v2/${name}/blobs/uploads/${id}?state=${size}`, range: `0-${Math.max(0, size - 1)}`, 'content-length': '0' };
  }
}

interface Upload {
  readonly name: string;
  readonly id: string;
  readonly received: Uint8Array;
  readonly digest: string | null;
  readonly repository: TestRepository;
}
