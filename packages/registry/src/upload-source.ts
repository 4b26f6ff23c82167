import { BlobVerifier, type Descriptor } from '@cfskit/oci-spec';
import { RegistryError } from './errors.ts';

/** Content to be pushed. A function is called again when bytes have to be sent again; a stream can be sent once only. */
export type BlobContent = Uint8Array | AsyncIterable<Uint8Array> | (() => AsyncIterable<Uint8Array>);

/** Gives out ranges of some content, checked against its descriptor on the way, with as few reads as possible. */
export class UploadSource {
  readonly #open: () => AsyncIterable<Uint8Array>;
  readonly #descriptor: Descriptor;
  #reader: Reader | undefined;

  constructor(content: BlobContent, descriptor: Descriptor) {
    this.#open = opener(content, descriptor);
    this.#descriptor = descriptor;
  }

  /**
   * The bytes from `start` up to `end`. A read that continues the last one goes on with the same stream; any other opens a new one.
   *
   * @throws {VerifyError} before the last byte is given out, if the content is not what the descriptor names
   * @throws {RegistryError} SOURCE_SPENT if the content cannot be opened again
   */
  async *read(start: number, end: number): AsyncGenerator<Uint8Array, void> {
    const reader = await this.#readerAt(start);
    while (reader.position < end) {
      const chunk = await reader.next(end - reader.position);
      if (chunk === undefined) return; // an empty blob
      yield chunk;
    }
    if (end === 0) await reader.next(0);
  }

  /** Release what is open. Not waited for: a source that is stuck must not hold up what comes after it. */
  close(): void {
    this.#reader?.close().catch(() => undefined);
    this.#reader = undefined;
  }

  async #readerAt(start: number): Promise<Reader> {
    if (this.#reader !== undefined && this.#reader.position <= start && !this.#reader.isBroken) {
      await this.#reader.skipTo(start);
      return this.#reader;
    }
    this.close();
    this.#reader = new Reader(checkedAhead(this.#open(), this.#descriptor));
    await this.#reader.skipTo(start);
    return this.#reader;
  }
}

function opener(content: BlobContent, { digest }: Descriptor): () => AsyncIterable<Uint8Array> {
  if (content instanceof Uint8Array) return () => inOnePiece(content);
  if (typeof content === 'function') return content;
  let isOpened = false;
  return () => {
    if (isOpened) throw new RegistryError('SOURCE_SPENT', `${digest} has to be sent again, but its source gives it only once`, { digest });
    isOpened = true;
    return content;
  };
}

async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield await Promise.resolve(bytes);
}

/** The same chunks, each held back until the one after it is known to be there: the last one is given out after the verdict. */
async function* checkedAhead(source: AsyncIterable<Uint8Array>, descriptor: Descriptor): AsyncGenerator<Uint8Array, void> {
  const verifier = new BlobVerifier(descriptor);
  let held: Uint8Array | undefined;
  for await (const chunk of source) {
    verifier.update(chunk);
    if (held !== undefined) yield held;
    held = chunk;
  }
  verifier.finish();
  if (held !== undefined) yield held;
}

/** A stream with a position. */
class Reader {
  position = 0;
  /** A read failed or was left in the middle of a chunk. */
  isBroken = false;
  readonly #chunks: AsyncGenerator<Uint8Array, void>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncGenerator<Uint8Array, void>) {
    this.#chunks = chunks;
  }

  /** At most `limit` bytes; undefined at the end. */
  async next(limit: number): Promise<Uint8Array | undefined> {
    while (this.#rest.byteLength === 0) {
      const chunk = await this.#pull();
      if (chunk === undefined) return undefined;
      this.#rest = chunk;
    }
    const given = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(given.byteLength);
    this.position += given.byteLength;
    return given;
  }

  async skipTo(start: number): Promise<void> {
    while (this.position < start && (await this.next(start - this.position)) !== undefined);
  }

  async close(): Promise<void> {
    await this.#chunks.return();
  }

  async #pull(): Promise<Uint8Array | undefined> {
    this.isBroken = true;
    const { done, value } = await this.#chunks.next();
    this.isBroken = false;
    return done === true ? undefined : value;
  }
}
