import { createHash, type Hash } from '@cfskit/oci-spec';
import type { FileHandle } from 'node:fs/promises';
import { partialFile, type PartialFile } from './partial-file.ts';
import { Turns } from './turns.ts';

/** Takes the bytes of an output. */
export interface ByteOutput {
  /** All pieces, in order; they may be used again once this has resolved. */
  write(pieces: readonly Uint8Array[]): Promise<void>;
  /** Everything has been written. */
  finish(): Promise<void>;
  /** What was written is of no use. */
  abort(): Promise<void>;
}

/** A file that appears when it is complete. */
export class FileOutput implements ByteOutput {
  readonly #file: PartialFile;
  readonly #handle: FileHandle;

  constructor(file: PartialFile, handle: FileHandle) {
    this.#file = file;
    this.#handle = handle;
  }

  async write(pieces: readonly Uint8Array[]): Promise<void> {
    let rest = pieces.filter((piece) => piece.byteLength > 0);
    while (rest.length > 0) {
      const { bytesWritten } = await this.#handle.writev(rest);
      rest = behind(rest, bytesWritten);
    }
  }

  async finish(): Promise<void> {
    await this.#file.commit(this.#handle);
  }

  async abort(): Promise<void> {
    await this.#handle.close().catch(() => undefined); // closed already, if making it durable failed
    await this.#file.discard();
  }
}

/**
 * Begin a file that appears when it is complete.
 *
 * @throws {RenderError} OUTPUT_NOT_A_FILE
 */
export async function openFileOutput(path: string): Promise<FileOutput> {
  const file = await partialFile(path);
  return new FileOutput(file, await file.create());
}

/** What is left of the pieces after so many bytes. */
function behind(pieces: readonly Uint8Array[], count: number): Uint8Array[] {
  let left = count;
  const index = pieces.findIndex((piece) => {
    if (piece.byteLength > left) return true;
    left -= piece.byteLength;
    return false;
  });
  if (index === -1) return [];
  return [pieces[index]!.subarray(left), ...pieces.slice(index + 1)];
}

/** Counts and hashes what goes through it. The event loop turns now and then, also where the output never waits. */
export class MeteredOutput {
  readonly #output: ByteOutput;
  readonly #turns: Turns;
  readonly #hash: Hash = createHash('sha256');
  bytes = 0;

  constructor(output: ByteOutput, signal: AbortSignal | undefined) {
    this.#output = output;
    this.#turns = new Turns(signal);
  }

  /** @throws the signal's reason */
  async write(pieces: readonly Uint8Array[]): Promise<void> {
    await this.#turns.take();
    for (const piece of pieces) {
      this.#hash.update(piece);
      this.bytes += piece.byteLength;
    }
    await this.#output.write(pieces);
  }

  /** Of all bytes; once. */
  digest(): string {
    return `sha256:${this.#hash.digestHex()}`;
  }
}
