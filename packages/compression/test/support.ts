import { describe } from 'vitest';
import { backends, CompressionError, decode, type Backend, type DecodeOptions } from '../src/index.ts';

/** One decoder of one format. */
export interface Decoder {
  readonly backend: Exclude<Backend, 'auto'>;
  readonly format: 'gzip' | 'zstd';
}

/** Every decoder that this machine has. That CI has all of them is a test of its own. */
export const decoders: readonly Decoder[] = backends()
  .filter(({ available }) => available)
  .map(({ name, format }) => ({ backend: name, format: format as Decoder['format'] }));

/** The same suite for every decoder, or for those of one format. */
export function describeDecoders(format: Decoder['format'] | undefined, suite: (decoder: Decoder) => void): void {
  const wanted = decoders.filter((decoder) => format === undefined || decoder.format === format);
  describe.each(wanted)('$format by $backend', (decoder) => {
    suite(decoder);
  });
}

export function bytesOf(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Pieces of a size, or cut where `sizes` says, the rest at last. */
export async function* pieces(bytes: Uint8Array, ...sizes: readonly number[]): AsyncGenerator<Uint8Array, void> {
  let position = 0;
  for (let index = 0; position < bytes.byteLength; index++) {
    const size = sizes[sizes.length === 1 ? 0 : index] ?? Infinity;
    yield bytes.subarray(position, position + size);
    position += size;
  }
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return concat(...chunks);
}

/** Decode the whole of `bytes`. */
export function decoded(bytes: Uint8Array, { backend, format }: Decoder, options: Partial<DecodeOptions> = {}): Promise<Uint8Array> {
  return collect(decode([bytes], { format, backend, ...options }));
}

/** Whether two byte strings are the same; comparing large ones by `toEqual` takes seconds. */
export function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** A copy with one bit changed. */
export function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3] = (copy.at(bit >> 3) ?? 0) ^ (1 << (bit & 7));
  return copy;
}

/** The code of the error that `promise` rejects with; anything but a CompressionError fails the test. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof CompressionError) return error.code;
    throw error;
  }
  return 'NO_ERROR';
}

/** Bytes that compress a little: words of a small vocabulary in random order, the same on every run. */
export function text(size: number): Uint8Array {
  const words = ['layer', 'tar', 'gzip', 'member', 'frame', '\0\0\0\0\0\0', 'composefs', '0000644', 'root'];
  let state = 1;
  let result = '';
  while (result.length < size) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    result += `${words[(state >>> 16) % words.length]}${state % 97} `;
  }
  return new TextEncoder().encode(result.slice(0, size));
}

/** Random bytes, the same on every run. */
export function noise(size: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}
