import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What `vectors/fsverity.json` says of one algorithm. */
interface Expected {
  readonly digest: string;
  readonly root_hash: string;
}

/** One content of `vectors/fsverity.json`, and what comes out of it. */
export interface Vector {
  readonly id: string;
  readonly content: Recipe;
  readonly size: number;
  readonly sha256: Expected;
  readonly sha512: Expected;
  readonly heavy?: boolean;
}

type Recipe =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'fill'; readonly byte: number }
  | { readonly kind: 'affine'; readonly mul: number; readonly add: number }
  | { readonly kind: 'modulo'; readonly modulus: number }
  | { readonly kind: 'le64-counter' }
  | { readonly kind: 'xoshiro256plusplus'; readonly seed: number };

/** A case for one of the parsers. */
export interface ParserCase {
  readonly op: string;
  readonly input: string;
  readonly dir?: number;
  readonly ok: boolean;
  readonly value?: string;
  readonly error?: string;
  readonly index?: number;
  readonly hash?: 'sha256' | 'sha512';
  readonly kernel_id?: number;
}

interface VectorFile {
  readonly vectors: readonly Vector[];
  readonly algorithm_names: readonly ParserCase[];
  readonly object_paths_sha256: readonly ParserCase[];
}

/** The file as a whole. */
export function loadVectors(): VectorFile {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'vectors/fsverity.json'), 'utf8')) as VectorFile;
}

/** Make the content of a vector. Repeating contents are made once and copied. */
export function makeContent({ content, size }: Vector): Uint8Array {
  switch (content.kind) {
    case 'text':
      return new TextEncoder().encode(content.text);
    case 'fill':
      return new Uint8Array(size).fill(content.byte);
    case 'affine':
      return repeat(size, 256, (index) => index * content.mul + content.add);
    case 'modulo':
      return repeat(size, content.modulus, (index) => index);
    case 'le64-counter':
      return words(size, counter());
    default:
      return words(size, xoshiro(BigInt(content.seed)));
  }
}

function repeat(size: number, period: number, byteAt: (index: number) => number): Uint8Array {
  return Buffer.alloc(
    size,
    Uint8Array.from({ length: period }, (_, index) => byteAt(index)),
  );
}

function words(size: number, source: Iterator<bigint, never>): Uint8Array {
  const out = new DataView(new ArrayBuffer(Math.ceil(size / 8) * 8));
  for (let at = 0; at < out.byteLength; at += 8) out.setBigUint64(at, source.next().value, true);
  return new Uint8Array(out.buffer, 0, size);
}

function* counter(): Generator<bigint, never> {
  for (let value = 0n; ; value++) yield value;
}

/** xoshiro256++, its state filled by SplitMix64 from the seed. */
function* xoshiro(seed: bigint): Generator<bigint, never> {
  const mask = (1n << 64n) - 1n;
  const rotate = (value: bigint, by: bigint) => ((value << by) | (value >> (64n - by))) & mask;
  let [a, b, c, d] = splitMix(seed);
  for (;;) {
    yield (rotate((a + d) & mask, 23n) + a) & mask;
    const shifted = (b << 17n) & mask;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 45n);
  }
}

function splitMix(seed: bigint): [bigint, bigint, bigint, bigint] {
  const mask = (1n << 64n) - 1n;
  let state = seed;
  const next = () => {
    state = (state + 0x9e3779b97f4a7c15n) & mask;
    let mixed = state;
    mixed = ((mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
    mixed = ((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn) & mask;
    return mixed ^ (mixed >> 31n);
  };
  return [next(), next(), next(), next()];
}
