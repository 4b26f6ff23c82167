import type { BlobVerifier } from './verify.ts';

/** What is needed of an open file: a `FileHandle` of `node:fs/promises` has it. */
export interface BlobFile {
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  write(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesWritten: number }>;
}

/** How content is appended to a file. */
export interface AppendOptions {
  /** Where in the file the blob begins; 0 if not said. */
  readonly offset?: number;
  readonly signal?: AbortSignal;
  /** Told after each piece how much of the blob has come, earlier content included. */
  readonly onProgress?: (size: number) => void;
}

const READ_SIZE = 512 * 1024;

/** Bytes per write, and what a process that is killed loses at most of what was written for it. Larger ones are no faster. */
const BATCH_SIZE = 256 * 1024;

/**
 * Show a verifier what is in a file, from its beginning to its end. The next part is read while one is hashed.
 *
 * @throws {VerifyError} SIZE_MISMATCH: that is more than the blob has
 */
export async function hashBlobFile(file: BlobFile, verifier: BlobVerifier, signal?: AbortSignal): Promise<void> {
  let at = 0;
  let buffer = new Uint8Array(READ_SIZE);
  let other = new Uint8Array(READ_SIZE);
  let reading = file.read(buffer, 0, READ_SIZE, at);
  for (;;) {
    const { bytesRead } = await reading;
    signal?.throwIfAborted();
    if (bytesRead === 0) return;
    at += bytesRead;
    reading = file.read(other, 0, READ_SIZE, at);
    reading.catch(() => undefined); // looked at in the next round, if there is one
    verifier.update(buffer.subarray(0, bytesRead));
    [buffer, other] = [other, buffer];
  }
}

/**
 * Write a stream to a file, from where a verifier stands, and show it to the verifier; `finish` is left to the caller. A part is written
 * by another thread while the next one is hashed. If `source` fails, what came before has been written when the promise is rejected.
 *
 * Pieces are copied before the next one is asked for, so that their owner may use their memory again. Memory is half a mebibyte.
 *
 * @throws {VerifyError} SIZE_MISMATCH as soon as a part is too much, and whatever `source` and `file` throw
 */
export async function appendBlob(
  file: BlobFile,
  source: AsyncIterable<Uint8Array>,
  verifier: BlobVerifier,
  { offset = 0, signal, onProgress }: AppendOptions = {},
): Promise<void> {
  const writer = new BatchWriter(file, verifier, offset);
  try {
    for await (const piece of source) {
      signal?.throwIfAborted();
      await writer.append(piece);
      onProgress?.(writer.size);
    }
  } finally {
    await writer.end();
  }
}

/** Two buffers: one is filled while the other is written. */
class BatchWriter {
  readonly #file: BlobFile;
  readonly #verifier: BlobVerifier;
  #batch = new Uint8Array(BATCH_SIZE);
  #other = new Uint8Array(BATCH_SIZE);
  #filled = 0;
  readonly #offset: number;
  /** In the blob. */
  #position: number;
  #writing = Promise.resolve();

  constructor(file: BlobFile, verifier: BlobVerifier, offset: number) {
    this.#file = file;
    this.#verifier = verifier;
    this.#offset = offset;
    this.#position = verifier.size;
  }

  get size(): number {
    return this.#position + this.#filled;
  }

  async append(piece: Uint8Array): Promise<void> {
    for (let at = 0; at < piece.byteLength;) {
      const part = piece.subarray(at, at + BATCH_SIZE - this.#filled);
      this.#batch.set(part, this.#filled);
      this.#filled += part.byteLength;
      at += part.byteLength;
      if (this.#filled === BATCH_SIZE) await this.#flush();
    }
  }

  async end(): Promise<void> {
    try {
      if (this.#filled > 0) await this.#flush();
    } finally {
      await this.#writing;
    }
  }

  /** Hashed first: what is too much is never written. */
  async #flush(): Promise<void> {
    const batch = this.#batch.subarray(0, this.#filled);
    this.#filled = 0;
    this.#verifier.update(batch);
    await this.#writing;
    this.#writing = writeAll(this.#file, batch, this.#offset + this.#position);
    this.#writing.catch(() => undefined); // looked at when the next batch is ready
    this.#position += batch.byteLength;
    [this.#batch, this.#other] = [this.#other, this.#batch];
  }
}

/** A disk that is nearly full takes a part; the next try says why. */
async function writeAll(file: BlobFile, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.byteLength - at, position + at);
    at += bytesWritten;
  }
}
