import { addressOf, openLibrary, type NativeFunction } from '@cfskit/linux';
import type { DecoderBackend, Probe } from './backend.ts';
import { createCrc32, type Crc32 } from './crc32.ts';
import { stepped, type StepDecoder } from './decoder.ts';
import { CompressionError } from './errors.ts';
import { gunzip } from './gzip.ts';
import type { Input } from './input.ts';
import { once } from './once.ts';
import type { Output } from './output.ts';
import { inflatesRight } from './self-test.ts';

/** `struct inflate_state` of igzip_lib.h: these fields come first and have kept their places since 2.19. */
const FIELD = { nextOut: 0, availOut: 8, nextIn: 16, availIn: 32, readInLength: 36 } as const;

/** The state takes 87,368 bytes in 2.30; more is given so that a later version may grow. Pages that are not touched cost nothing. */
const STATE_SIZE = 2 ** 18;

/** Compressed bytes handed over per call. They are copied once, so that the library reads memory of known address and lifetime. */
const FEED_SIZE = 2 ** 16;

/** The library reads up to this many bytes behind the end of the deflate data before it notices. */
const LOOKAHEAD = 8;

const MAX_SPACE = 2 ** 30;

interface Isal {
  readonly init: NativeFunction;
  readonly inflate: NativeFunction;
  readonly crc32: Crc32;
  readonly name: string;
}

/** Gzip by ISA-L (`libisal2`), about twice as fast as zlib. Off with `CFSKIT_NO_ISAL=1`, read at every use. */
export const isalGzip: DecoderBackend = {
  name: 'isal',
  format: 'gzip',
  probe,
  open() {
    const isal = loadIsal();
    if (isal === undefined) throw new CompressionError('BACKEND_UNAVAILABLE', 'ISA-L is not available');
    const inflate = stepped(new IsalInflater(isal), 'a gzip member');
    return (input, output) => gunzip(input, output, inflate, isal.crc32);
  },
};

function probe(): Probe {
  if (process.env['CFSKIT_NO_ISAL'] === '1') return { available: false, detail: 'switched off by CFSKIT_NO_ISAL=1' };
  const isal = loadIsal();
  if (isal === undefined) return { available: false, detail: 'libisal.so.2 cannot be loaded (package libisal2; needs koffi)' };
  if (!isUsable()) return { available: false, detail: `${isal.name} does not pass the self-test` };
  return { available: true, detail: isal.name };
}

const loadIsal = once((): Isal | undefined => {
  const library = openLibrary(['libisal.so.2', 'libisal.so']);
  const init = library?.func('void isal_inflate_init(uint8_t *state)');
  const inflate = library?.func('int isal_inflate(uint8_t *state)');
  const crc32 = library?.func('uint32_t crc32_gzip_refl(uint32_t init, uint8_t *bytes, uint64_t length)');
  if (init === undefined || inflate === undefined || crc32 === undefined) return undefined;
  return { init, inflate, crc32: (bytes, value) => crc32(value, bytes, bytes.byteLength), name: library?.name ?? 'libisal' };
});

const isUsable = once((): boolean => {
  const isal = loadIsal();
  return isal !== undefined && isLittleEndian() && sumsRight(isal.crc32) && inflatesRight(new IsalInflater(isal));
});

function sumsRight(crc32: Crc32): boolean {
  const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index * index);
  const expected = createCrc32()(bytes, 0);
  return crc32(bytes, 0) === expected && crc32(bytes.subarray(333), crc32(bytes.subarray(0, 333), 0)) === expected;
}

function isLittleEndian(): boolean {
  return new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
}

/**
 * Raw deflate data through `isal_inflate`.
 *
 * Where the data ended is told by the public fields alone: the library stops with space left and input left only at the end. (The
 * field that says so lies at a place that depends on the version.) What it had read beyond is given back: some versions put their
 * input pointer back, even before the start of what they were fed last; others leave whole bytes in their bit buffer.
 */
class IsalInflater implements StepDecoder {
  readonly #isal: Isal;
  readonly #state: Uint8Array<ArrayBuffer> = new Uint8Array(STATE_SIZE);
  readonly #fields: DataView = new DataView(this.#state.buffer);
  /** The last bytes of the feed before, then the feed. */
  readonly #feed: Uint8Array<ArrayBuffer> = new Uint8Array(LOOKAHEAD + FEED_SIZE);
  readonly #feedAddress: number;
  #feedEnd: number = LOOKAHEAD;
  #outputBuffer: Uint8Array | undefined;
  #outputAddress = 0;

  constructor(isal: Isal) {
    this.#isal = isal;
    this.#feedAddress = requireAddress(this.#feed);
  }

  reset(): void {
    this.#isal.init(this.#state);
    this.#feedEnd = LOOKAHEAD;
  }

  step(input: Input, output: Output): boolean {
    for (;;) {
      const fed = this.#fill(input.available);
      const produced = this.#inflate(fed, output, input);
      output.commit(produced);
      const left = this.#fields.getUint32(FIELD.availIn, true);
      if (output.isFull || left === 0) {
        this.#consume(input, fed - left);
        if (output.isFull || input.isEmpty) return false;
      } else {
        this.#consume(input, fed - left - this.#bufferedBytes());
        return true;
      }
    }
  }

  /** Offered zeros, a decoder that is not at the end takes some of them. */
  endsHere(input: Input): boolean {
    const probeSize = 2 * LOOKAHEAD;
    const output = new Uint8Array(FEED_SIZE);
    const fed = this.#fill(new Uint8Array(probeSize));
    this.#point(fed, requireAddress(output), output.byteLength);
    const status = this.#isal.inflate(this.#state);
    const left = this.#fields.getUint32(FIELD.availIn, true);
    const isEnd = status === 0 && left >= fed && this.#fields.getUint32(FIELD.availOut, true) === output.byteLength;
    if (isEnd) this.#consume(input, fed - left - this.#bufferedBytes());
    return isEnd;
  }

  /** Copy the front of `available` behind the bytes that were taken last. @returns how many */
  #fill(available: Uint8Array): number {
    const fed = Math.min(available.byteLength, FEED_SIZE);
    this.#feed.copyWithin(0, this.#feedEnd - LOOKAHEAD, this.#feedEnd);
    this.#feed.set(fed === available.byteLength ? available : available.subarray(0, fed), LOOKAHEAD);
    return fed;
  }

  /** @returns bytes put out */
  #inflate(fed: number, output: Output, input: Input): number {
    const { buffer, length } = output;
    if (buffer !== this.#outputBuffer) {
      this.#outputAddress = requireAddress(buffer);
      this.#outputBuffer = buffer;
    }
    const space = Math.min(buffer.byteLength - length, MAX_SPACE);
    this.#point(fed, this.#outputAddress + length, space);
    const status = this.#isal.inflate(this.#state);
    if (status < 0) throw new CompressionError('CORRUPT', `gzip: invalid deflate data (ISA-L ${status})`, { offset: input.offset });
    return space - this.#fields.getUint32(FIELD.availOut, true);
  }

  #point(fed: number, outputAddress: number, space: number): void {
    setPointer(this.#fields, FIELD.nextIn, this.#feedAddress + LOOKAHEAD);
    this.#fields.setUint32(FIELD.availIn, fed, true);
    setPointer(this.#fields, FIELD.nextOut, outputAddress);
    this.#fields.setUint32(FIELD.availOut, space, true);
  }

  #bufferedBytes(): number {
    return this.#fields.getInt32(FIELD.readInLength, true) >> 3;
  }

  /** Take `count` bytes of the last feed; below zero, give back bytes of the one before. */
  #consume(input: Input, count: number): void {
    this.#feedEnd = LOOKAHEAD + Math.max(count, 0);
    if (count >= 0) input.advance(count);
    else input.unread(this.#feed.slice(LOOKAHEAD + count, LOOKAHEAD));
  }
}

function setPointer(fields: DataView, at: number, address: number): void {
  fields.setUint32(at, address % 2 ** 32, true);
  fields.setUint32(at + 4, Math.floor(address / 2 ** 32), true);
}

function requireAddress(bytes: Uint8Array): number {
  const address = addressOf(bytes);
  if (address === undefined) throw new CompressionError('BACKEND_UNAVAILABLE', 'ISA-L needs koffi');
  return address;
}
