import { digestAlgorithm, type Descriptor } from '@cfskit/oci-spec';
import { nullReporter, type Reporter } from '@cfskit/progress';
import { parseUploadRange } from './content-range.ts';
import type { Endpoint } from './endpoint.ts';
import { hasBlob } from './has-blob.ts';
import { RegistryError } from './errors.ts';
import { oneLine, publicUrl } from './foreign-text.ts';
import { foreignTarget, type Answer } from './redirect.ts';
import { isTransient, Retries } from './retry.ts';
import { repositoryScope } from './scope.ts';
import type { Call, Session } from './session.ts';
import { checkStored } from './stored-digest.ts';
import { UploadSource, type BlobContent } from './upload-source.ts';

/** How a blob got into the registry: it was there; it was taken from another repository; it was sent. */
export type BlobOutcome = 'present' | 'mounted' | 'pushed';

/** How a blob is pushed. */
export interface PushBlobOptions {
  /** Repositories of the same registry that may have the blob. */
  readonly mountFrom?: readonly string[];
  /** Send chunks of this size. If not said, blobs above 64 MiB go in chunks of 64 MiB, smaller ones whole. The registry may ask for larger ones. */
  readonly chunkSize?: number;
  /** Told of `started`, `progress` and `done` or `skipped`; the id is the blob's digest. */
  readonly reporter?: Reporter;
  readonly signal?: AbortSignal;
}

const CHUNK_SIZE = 64 * 1024 * 1024;

/** Push one blob, unless it is there or can be mounted. */
export async function pushBlob(
  session: Session,
  endpoint: Endpoint,
  descriptor: Descriptor,
  content: BlobContent,
  options: PushBlobOptions,
): Promise<BlobOutcome> {
  digestAlgorithm(descriptor.digest);
  if (options.chunkSize !== undefined && !(options.chunkSize >= 1))
    throw new RangeError(`chunkSize must be positive: ${options.chunkSize}`);
  const upload = new BlobUpload(session, endpoint, descriptor, content, options);
  try {
    return await upload.run();
  } finally {
    upload.close();
  }
}

class BlobUpload {
  readonly #session: Session;
  readonly #endpoint: Endpoint;
  readonly #descriptor: Descriptor;
  readonly #options: PushBlobOptions;
  readonly #source: UploadSource;
  readonly #scopes: readonly string[];
  readonly #reporter: Reporter;
  #chunkSize: number;

  constructor(session: Session, endpoint: Endpoint, descriptor: Descriptor, content: BlobContent, options: PushBlobOptions) {
    this.#session = session;
    this.#endpoint = endpoint;
    this.#descriptor = descriptor;
    this.#options = options;
    this.#source = new UploadSource(content, descriptor);
    this.#scopes = [repositoryScope(endpoint.repository, 'pull', 'push')];
    this.#reporter = options.reporter ?? nullReporter;
    this.#chunkSize = Math.floor(options.chunkSize ?? CHUNK_SIZE);
  }

  async run(): Promise<BlobOutcome> {
    const { digest, size } = this.#descriptor;
    if (await hasBlob(this.#session, this.#endpoint, this.#descriptor, this.#options.signal, this.#scopes)) return this.#skipped('present');
    const opened = await this.#mount();
    if (opened === 'mounted') return this.#skipped('mounted');
    this.#reporter.report({ type: 'started', id: digest, total: size, unit: 'bytes' });
    await this.#sendUntilStored(opened);
    this.#reporter.report({ type: 'done', id: digest, transferred: size });
    return 'pushed';
  }

  close(): void {
    this.#source.close();
  }

  #skipped(outcome: BlobOutcome): BlobOutcome {
    this.#reporter.report({ type: 'skipped', id: this.#descriptor.digest });
    return outcome;
  }

  /** Ask for the blob from other repositories. A registry that cannot do it opens an upload instead, whose location is returned. */
  async #mount(): Promise<'mounted' | URL | undefined> {
    for (const from of this.#options.mountFrom ?? []) {
      const query = new URLSearchParams({ mount: this.#descriptor.digest, from });
      const call = this.#call('POST', `${this.#endpoint.repository}/blobs/uploads/?${query.toString()}`, [201, 202]);
      try {
        const answer = await this.#session.send({ ...call, scopes: [...this.#scopes, repositoryScope(from, 'pull')] });
        answer.response.discard();
        if (answer.response.status === 201) return 'mounted';
        return this.#locationOf(answer);
      } catch (error) {
        if (!(error instanceof RegistryError) || isTransient(error)) throw error;
        this.#session.retry.onWarning(`${this.#descriptor.digest} is not mounted from ${oneLine(from)}: ${error.message}`);
      }
    }
    return undefined;
  }

  /** Uploads that fail are started anew, as often as other requests are tried. */
  async #sendUntilStored(opened: URL | undefined): Promise<void> {
    const retries = new Retries(this.#session.retry, this.#options.signal);
    let location = opened;
    for (;;) {
      try {
        location ??= await this.#open();
        await this.#sendTo(location);
        return;
      } catch (error) {
        if (location !== undefined) await this.#cancel(location);
        location = undefined;
        await retries.after(error);
      }
    }
  }

  async #open(): Promise<URL> {
    const answer = await this.#session.attempt(this.#call('POST', `${this.#endpoint.repository}/blobs/uploads/`, [202]));
    answer.response.discard();
    const least = Number(answer.response.headers['oci-chunk-min-length'] ?? 0);
    if (Number.isSafeInteger(least)) this.#chunkSize = Math.max(this.#chunkSize, least);
    return this.#locationOf(answer);
  }

  async #sendTo(location: URL): Promise<void> {
    const { size } = this.#descriptor;
    const isWhole = this.#options.chunkSize === undefined ? size <= CHUNK_SIZE : size <= this.#chunkSize;
    if (isWhole) await this.#finish(location, 0);
    else await this.#finish(await this.#sendChunks(location), size);
  }

  /** The closing `PUT`, with everything from `start` on. */
  async #finish(location: URL, start: number): Promise<void> {
    const { digest, size } = this.#descriptor;
    const target = new URL(location);
    target.search = `${location.search}${location.search === '' ? '?' : '&'}digest=${encodeURIComponent(digest)}`;
    const headers = { 'content-type': 'application/octet-stream', 'content-length': String(size - start) };
    const answer = await this.#session.attempt({ ...this.#call('PUT', target, [201]), headers, body: this.#body(start, size) });
    answer.response.discard();
    checkStored(answer, digest, this.#endpoint);
  }

  async #sendChunks(opened: URL): Promise<URL> {
    const { size } = this.#descriptor;
    const retries = new Retries(this.#session.retry, this.#options.signal);
    let location = opened;
    let at = 0;
    while (at < size) {
      const end = Math.min(size, at + this.#chunkSize);
      try {
        location = await this.#sendChunk(location, at, end);
        retries.progress(end - at);
        at = end;
      } catch (error) {
        await retries.after(error);
        ({ location, at } = await this.#stateOf(location, end));
      }
    }
    return location;
  }

  async #sendChunk(location: URL, start: number, end: number): Promise<URL> {
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': String(end - start),
      'content-range': `${start}-${end - 1}`,
    };
    const answer = await this.#session.attempt({ ...this.#call('PATCH', location, [202, 416]), headers, body: this.#body(start, end) });
    answer.response.discard();
    const range = answer.response.headers['range'];
    // docker-registry appends whatever comes, so what it says it has is compared with what was sent.
    if (answer.response.status === 202 && parseUploadRange(range) === end) return this.#locationOf(answer);
    throw this.#lost(answer, `wanted the range 0-${end - 1} after a chunk, found ${oneLine(range ?? 'none')}`);
  }

  /** How far an upload has come, after a fault. `0-0` may mean nothing or one byte: then it is better to begin again. */
  async #stateOf(location: URL, end: number): Promise<{ readonly location: URL; readonly at: number }> {
    const answer = await this.#session.send(this.#call('GET', location, [204]));
    answer.response.discard();
    const range = answer.response.headers['range'];
    const at = parseUploadRange(range);
    if (at !== undefined && at > 1 && at <= end) return { location: this.#locationOf(answer, location), at };
    throw this.#lost(answer, `wanted the range of an upload, found ${oneLine(range ?? 'none')}`);
  }

  /** Best effort: an upload that is not taken back is thrown away by the registry in time. */
  async #cancel(location: URL): Promise<void> {
    try {
      const answer = await this.#session.attempt(this.#call('DELETE', location, [202, 204]));
      answer.response.discard();
    } catch {
      // The error that led here is the one to be told.
    }
  }

  #body(start: number, end: number): () => Uint8Array | AsyncIterable<Uint8Array> {
    return () => (start === end && start > 0 ? new Uint8Array(0) : this.#counted(start, end));
  }

  async *#counted(start: number, end: number): AsyncGenerator<Uint8Array, void> {
    const { digest, size } = this.#descriptor;
    let at = start;
    for await (const chunk of this.#source.read(start, end)) {
      yield chunk;
      at += chunk.byteLength;
      this.#reporter.report({ type: 'progress', id: digest, fetched: at, total: size });
    }
  }

  #call(method: Call['method'], target: string | URL, expect: readonly number[]): Call {
    const { signal } = this.#options;
    return {
      endpoint: this.#endpoint,
      method,
      target,
      headers: { 'content-length': '0' },
      scopes: this.#scopes,
      expect,
      digest: this.#descriptor.digest,
      notFound: method === 'POST' ? 'NAME_UNKNOWN' : 'UPLOAD_LOST',
      ...(signal !== undefined && { signal }),
    };
  }

  /** Where the next request of an upload goes: relative or absolute, another one after each request. */
  #locationOf(answer: Answer, otherwise?: URL): URL {
    const { location } = answer.response.headers;
    if (location !== undefined) return foreignTarget(location, answer.url);
    if (otherwise !== undefined) return otherwise;
    throw this.#lost(answer, 'an upload without Location');
  }

  #lost({ url, response }: Answer, what: string): RegistryError {
    const { host: registry, repository } = this.#endpoint;
    return new RegistryError('UPLOAD_LOST', `${publicUrl(url)}: ${what}`, {
      registry,
      repository,
      url: publicUrl(url),
      status: response.status,
      digest: this.#descriptor.digest,
    });
  }
}
