import { VerifyError, type Descriptor } from '@cfskit/oci-spec';
import { inChunks, isWebPage } from './body.ts';
import { parseContentRange } from './content-range.ts';
import type { Endpoint } from './endpoint.ts';
import { RegistryError, type RegistryErrorPlace } from './errors.ts';
import { oneLine, publicUrl } from './foreign-text.ts';
import type { Answer } from './redirect.ts';
import { Retries } from './retry.ts';
import { repositoryScope } from './scope.ts';
import type { Session } from './session.ts';

/** Where a blob may be: in a registry, or at a URL that its descriptor names. */
export interface BlobPlace {
  readonly endpoint: Endpoint;
  readonly url?: URL;
}

/** What of a blob is read, and how. */
export interface BlobPart {
  readonly descriptor: Descriptor;
  /** Up to the descriptor's size if not said. */
  readonly end?: number;
  /**
   * Hand out what comes from the network as it comes, in pieces of any size, each of them good only until the next one is asked for. That
   * saves a copy for those who copy, or use, it at once. If not said: chunks of 256 KiB that belong to whoever gets them.
   */
  readonly inPieces?: boolean;
  readonly signal?: AbortSignal;
}

/** Reads one blob from one place, with as many requests as it takes. */
export class BlobReader {
  readonly #session: Session;
  readonly #endpoint: Endpoint;
  readonly #url: URL | undefined;
  readonly #descriptor: Descriptor;
  readonly #end: number;
  readonly #inPieces: boolean;
  readonly #signal: AbortSignal | undefined;
  #rangesWork = true;

  constructor(session: Session, { endpoint, url }: BlobPlace, { descriptor, end = descriptor.size, inPieces = false, signal }: BlobPart) {
    this.#session = session;
    this.#endpoint = endpoint;
    this.#url = url;
    this.#descriptor = descriptor;
    this.#end = end;
    this.#inPieces = inPieces;
    this.#signal = signal;
  }

  async *from(start: number): AsyncGenerator<Uint8Array, void> {
    const retries = new Retries(this.#session.retryFor(this.#endpoint), this.#signal);
    let at = start;
    for (;;) {
      try {
        for await (const chunk of this.#request(at)) {
          at += chunk.byteLength;
          retries.progress(chunk.byteLength);
          yield chunk;
        }
        if (at === this.#end) return;
        throw this.#cutShort(at);
      } catch (error) {
        if (at === this.#end && at > start && !(error instanceof VerifyError)) return; // it broke after the last byte
        if (this.#givesWrongRange(error)) this.#rangesWork = false;
        else await this.#retry(retries, error, at);
      }
    }
  }

  /** A body that ends too early, and in good order, each time: then that is the blob they have. */
  async #retry(retries: Retries, error: unknown, at: number): Promise<void> {
    try {
      await retries.after(error);
    } catch (final) {
      const isShort = final instanceof RegistryError && final.code === 'CONNECTION' && final.cause === undefined;
      throw isShort ? sizeMismatch(this.#descriptor.digest, this.#descriptor.size, at, '') : final;
    }
  }

  /** A server that cannot do ranges is asked for everything, once; what is there already is skipped. */
  #givesWrongRange(error: unknown): boolean {
    const isRange = error instanceof RegistryError && (error.code === 'BAD_RANGE' || error.status === 416);
    return isRange && this.#rangesWork;
  }

  async *#request(at: number): AsyncGenerator<Uint8Array, void> {
    const { size } = this.#descriptor;
    const isPart = at > 0 || this.#end < size;
    const range = isPart && this.#rangesWork ? `bytes=${at}-${this.#end < size ? this.#end - 1 : ''}` : undefined;
    const answer = await this.#send(range);
    const first = this.#firstByte(answer, range === undefined ? undefined : at);
    yield* this.#body(answer, first, at);
  }

  async #send(range: string | undefined): Promise<Answer> {
    const { repository } = this.#endpoint;
    const { digest } = this.#descriptor;
    return await this.#session.attempt({
      endpoint: this.#endpoint,
      method: 'GET',
      target: this.#url ?? `${repository}/blobs/${digest}`,
      isAnonymous: this.#url !== undefined,
      // The digest is that of the bytes as stored: nothing may be packed for transport.
      headers: { 'accept-encoding': 'identity', ...(range !== undefined && { range }) },
      scopes: [repositoryScope(repository, 'pull')],
      expect: [200, 206],
      notFound: 'BLOB_UNKNOWN',
      digest,
      ...(this.#signal !== undefined && { signal: this.#signal }),
    });
  }

  /** Which byte the body begins with. */
  #firstByte(answer: Answer, asked: number | undefined): number {
    const { response } = answer;
    if (response.status === 200) {
      this.#checkLength(answer);
      return 0;
    }
    const range = parseContentRange(response.headers['content-range']);
    const isRight = range !== undefined && range.start === asked && range.total === this.#descriptor.size && range.end <= this.#end;
    if (isRight) return range.start;
    response.discard();
    const wanted = asked === undefined ? 'everything' : `bytes ${asked}-${this.#end - 1}/${this.#descriptor.size}`;
    const found = oneLine(response.headers['content-range'] ?? 'an unknown part');
    throw new RegistryError('BAD_RANGE', `GET ${publicUrl(answer.url)}: wanted ${wanted}, found ${found}`, this.#place(answer));
  }

  /** What cannot become right is not read at all. */
  #checkLength(answer: Answer): void {
    const { size, digest } = this.#descriptor;
    const { response, url } = answer;
    const length = response.headers['content-length'];
    if (length === String(size) || (length === undefined && !isWebPage(response))) return;
    response.discard();
    if (isWebPage(response)) {
      throw new RegistryError('NOT_A_REGISTRY', `wanted a blob at ${publicUrl(url)}, found a web page`, this.#place(answer));
    }
    throw sizeMismatch(digest, size, Number(length), '');
  }

  /** The part of the body from `at` on; stops at once when there is more than there may be. */
  async *#body(answer: Answer, first: number, at: number): AsyncGenerator<Uint8Array, void> {
    const { digest, size } = this.#descriptor;
    let position = first;
    const { body } = answer.response;
    for await (const chunk of this.#inPieces ? body : inChunks(body)) {
      const start = position;
      position += chunk.byteLength;
      if (position > size) throw sizeMismatch(digest, size, position, 'at least ');
      const wanted = chunk.subarray(Math.max(0, at - start), Math.max(0, this.#end - start));
      if (wanted.byteLength > 0) yield wanted;
      if (position >= this.#end && this.#end < size) return;
    }
  }

  #cutShort(at: number): RegistryError {
    const message = `GET ${this.#endpoint.host}: ${this.#descriptor.digest} ended after ${at} of ${this.#descriptor.size} bytes`;
    const { host: registry, repository } = this.#endpoint;
    return new RegistryError('CONNECTION', message, { registry, repository, digest: this.#descriptor.digest });
  }

  #place({ url, response }: Answer): RegistryErrorPlace {
    const { host: registry, repository } = this.#endpoint;
    return { registry, repository, url: publicUrl(url), status: response.status, digest: this.#descriptor.digest };
  }
}

function sizeMismatch(digest: string, expected: number, actual: number, atLeast: string): VerifyError {
  const message = `size mismatch: wanted ${expected} bytes of ${digest}, found ${atLeast}${actual}`;
  return new VerifyError('SIZE_MISMATCH', digest, expected, actual, message);
}
