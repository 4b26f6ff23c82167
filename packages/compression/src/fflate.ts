import { Gzip, Inflate } from 'fflate';
import type { DecoderBackend, EncoderBackend, Probe, StreamEncoder } from './backend.ts';
import { createCrc32 } from './crc32.ts';
import { stepped, type StepDecoder } from './decoder.ts';
import { CompressionError } from './errors.ts';
import { gunzip } from './gzip.ts';
import type { Input } from './input.ts';
import { once } from './once.ts';
import type { Output } from './output.ts';
import { inflatesRight } from './self-test.ts';

/** fflate puts out all that a piece decodes to at once, up to 1032 times its size, 16 MiB: this bounds the memory. */
const PIECE_SIZE = 2 ** 14;

const COMPRESS_SIZE = 2 ** 16;

type Level = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

/** Gzip by fflate, in plain JavaScript: for where there is no `node:zlib`. */
export const fflateGzip: DecoderBackend = {
  name: 'fflate',
  format: 'gzip',
  probe,
  open() {
    const inflate = stepped(new FflateInflater(), 'a gzip member');
    const crc32 = createCrc32();
    return (input, output) => gunzip(input, output, inflate, crc32);
  },
};

/** Gzip by fflate. The header has no time in it, so the same content gives the same bytes. */
export const fflateGzipEncoder: EncoderBackend = {
  name: 'fflate',
  format: 'gzip',
  probe,
  open: (level) => compress(level),
};

function probe(): Probe {
  return isUsable() ? { available: true, detail: 'JavaScript' } : { available: false, detail: 'fflate does not pass the self-test' };
}

const isUsable = once((): boolean => inflatesRight(new FflateInflater()));

/**
 * What fflate keeps inside, and says in no other way: the bytes it has not used, and whether the last block has ended. The names are
 * those of 0.8; the self-test refuses a version that has others.
 */
interface Inside {
  /** input that is left, from the byte on that holds the next bit */
  readonly p: Uint8Array;
  /** f: in the last block; l: code table of the block being decoded; p: bits of the first byte of input that are used */
  readonly s: { readonly f?: number; readonly l?: unknown; readonly p?: number };
}

class FflateInflater implements StepDecoder {
  #inflate: Inflate = new Inflate();
  #ready: Uint8Array[] = [];
  #isEnd = false;

  reset(): void {
    this.#inflate = new Inflate((chunk) => this.#ready.push(chunk));
    this.#ready = [];
    this.#isEnd = false;
  }

  step(input: Input, output: Output): boolean {
    while (this.#flush(output)) {
      if (this.#isEnd) return true;
      if (input.isEmpty) return false;
      this.#take(input);
    }
    return false;
  }

  /** @returns whether everything went out */
  #flush(output: Output): boolean {
    for (let chunk = this.#ready[0]; chunk !== undefined; chunk = this.#ready[0]) {
      const rest = chunk.subarray(output.write(chunk));
      if (rest.byteLength > 0) this.#ready[0] = rest;
      else this.#ready.shift();
      if (output.isFull) return false;
    }
    return true;
  }

  #take(input: Input): void {
    const piece = input.available.subarray(0, PIECE_SIZE);
    const { offset } = input;
    try {
      this.#inflate.push(piece);
    } catch (cause) {
      throw new CompressionError('CORRUPT', 'gzip: invalid deflate data', { offset, cause });
    }
    input.advance(piece.byteLength);
    const { p: left, s: state } = this.#inflate as unknown as Inside;
    if (!state.f || state.l) return;
    this.#isEnd = true;
    input.advance(-(left.byteLength - (state.p ? 1 : 0)));
  }
}

function compress(level: number | undefined): StreamEncoder {
  return async function* (input, output) {
    const ready: Uint8Array[] = [];
    const gzip = new Gzip({ mtime: 0, ...(level !== undefined && { level: level as Level }) });
    gzip.ondata = (chunk) => ready.push(chunk);
    for (let isLast = false; !isLast;) {
      isLast = input.isEmpty && !(await input.fill());
      const piece = input.available.subarray(0, COMPRESS_SIZE);
      gzip.push(piece, isLast);
      input.advance(piece.byteLength);
      for (const chunk of ready.splice(0)) yield* output.writeAll(chunk);
    }
  };
}
