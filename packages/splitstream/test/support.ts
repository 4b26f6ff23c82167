import { splitstreamCodec } from '@cfskit/compression';
import { fsVerityDigest, type ObjectId } from '@cfskit/fs-verity';
import { openSplitstream, SplitstreamError, SplitstreamWriter, type FinishedSplitstream, type OpenOptions } from '../src/index.ts';
import type { ScratchFile, Splitstream } from '../src/index.ts';

export const codec: typeof splitstreamCodec = splitstreamCodec;

export function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function concat(parts: Iterable<Uint8Array>): Uint8Array {
  return new Uint8Array(Buffer.concat([...parts]));
}

export function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** Bytes that compress a little, the same on every run. */
export function noise(size: number, seed = 1): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 28;
  });
}

/** An id of sha256 that is made of one byte, or of the digits of a number. */
export function id(value: number): ObjectId {
  return value.toString(16).padStart(64, '0');
}

/** A writer of sha256 streams without a type. */
export function writer(scratch?: () => ScratchFile): SplitstreamWriter {
  return new SplitstreamWriter({ algorithm: 'sha256', contentType: 0n, codec, ...(scratch && { scratch }) });
}

/** All of the file, closed. */
export async function fileOf(finished: FinishedSplitstream | Promise<FinishedSplitstream>): Promise<Uint8Array> {
  const stream = await finished;
  const file = concat(stream.chunks());
  stream.close();
  return file;
}

export function open(file: Uint8Array, options: Partial<OpenOptions> = {}): Promise<Splitstream> {
  return openSplitstream(file, { algorithm: 'sha256', codec, ...options });
}

/** Chunks with runs put together, so that they can be compared. */
export async function chunksOf(stream: Splitstream): Promise<(string | Uint8Array)[]> {
  const chunks: (string | Uint8Array)[] = [];
  let run: Uint8Array[] = [];
  for await (const chunk of stream.chunks()) {
    if (chunk.kind === 'external') chunks.push(chunk.objectId);
    else {
      run.push(chunk.bytes);
      if (chunk.last) chunks.push(concat(run.splice(0)));
    }
  }
  return chunks;
}

/** The code of the SplitstreamError that a promise rejects with; any other error fails the test. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof SplitstreamError) return error.code;
    throw error;
  }
  return 'NO_ERROR';
}

/** A scratch file in memory that tells what was done with it. */
export class MemoryScratch implements ScratchFile {
  isClosed = false;
  size = 0;
  readonly #chunks: Uint8Array[] = [];

  append(appended: Uint8Array): void {
    if (this.isClosed) throw new TypeError('closed');
    this.size += appended.byteLength;
    this.#chunks.push(appended.slice());
  }

  *read(): Generator<Uint8Array, void> {
    for (const chunk of this.#chunks) {
      if (this.isClosed) throw new TypeError('closed');
      yield chunk;
    }
  }

  close(): void {
    if (this.isClosed) throw new TypeError('closed twice');
    this.isClosed = true;
  }
}

export { fsVerityDigest };
