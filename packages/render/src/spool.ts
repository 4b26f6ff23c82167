import { randomUUID } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** A piece of what was put aside. */
export interface SpooledPiece {
  readonly start: number;
  readonly end: number;
}

const CHUNK = 1024 * 1024;

/** Contents put aside in a file without a name, which is gone when it is closed, or with the process. Holes stay holes. */
export class Spool {
  readonly #fd: number;
  #end = 0;

  /** @param directory where there is room for them */
  constructor(directory: string) {
    const path = join(directory, `.render-${randomUUID()}`);
    this.#fd = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
  }

  get end(): number {
    return this.#end;
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength;) at += writeSync(this.#fd, bytes, at, bytes.byteLength - at, this.#end + at);
    this.#end += bytes.byteLength;
  }

  skip(size: number): void {
    this.#end += size;
  }

  /** The bytes of a piece. A chunk is the reader's for ever. */
  *read({ start, end }: SpooledPiece): Generator<Uint8Array, void> {
    for (let at = start; at < end;) {
      const chunk = new Uint8Array(Math.min(CHUNK, end - at));
      const count = readSync(this.#fd, chunk, 0, chunk.byteLength, at);
      // A hole at the very end of the file was never written.
      yield count === 0 ? chunk : chunk.subarray(0, count);
      at += count === 0 ? chunk.byteLength : count;
    }
  }

  /** All bytes, in one buffer over and over. */
  *readAll(): Generator<Uint8Array, void> {
    const chunk = new Uint8Array(CHUNK);
    for (let at = 0; at < this.#end;) {
      const count = readSync(this.#fd, chunk, 0, CHUNK, at);
      yield chunk.subarray(0, count);
      at += count;
    }
  }

  /** Forget what was put aside. */
  empty(): void {
    ftruncateSync(this.#fd);
    this.#end = 0;
  }

  close(): void {
    closeSync(this.#fd);
  }
}
