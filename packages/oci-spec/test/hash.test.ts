import * as selected from '#hash';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as native from '../src/hash.node.ts';
import * as portable from '../src/hash.portable.ts';
import { cut, hex, utf8 } from './bytes.ts';

// FIPS 180-4, examples for "abc" and the empty message.
const vectors = [
  ['sha256', '', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['sha256', 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ['sha384', 'abc', 'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7'],
  [
    'sha512',
    'abc',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  ],
] as const;

it('Node takes the variant of node:crypto', () => {
  expect(selected.createHash).toBe(native.createHash);
  expect(selected.hash).toBe(native.hash);
});

describe.each([
  ['node:crypto', native],
  ['@noble/hashes', portable],
])('%s', (_, variant) => {
  it.each(vectors)('%s of %j', (algorithm, text, digest) => {
    expect(hex(variant.hash(algorithm, utf8(text)))).toBe(digest);
    expect(variant.hashHex(algorithm, utf8(text))).toBe(digest);
    const running = variant.createHash(algorithm);
    running.update(utf8(text));
    expect(hex(running.digest())).toBe(digest);
  });
  it('gives plain byte arrays of their own', () => {
    const once = variant.hash('sha256', utf8('abc'));
    expect(Object.getPrototypeOf(once)).toBe(Uint8Array.prototype);
    expect(Object.getPrototypeOf(variant.createHash('sha256').digest())).toBe(Uint8Array.prototype);
    expect(once.buffer.byteLength).toBe(32);
  });
});

it('any chunks, either variant: the same digest', () => {
  const algorithm = fc.constantFrom('sha256', 'sha384', 'sha512' as const);
  fc.assert(
    fc.property(algorithm, fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(300), { maxLength: 4 }), (name, bytes, places) => {
      const hashes = [native.createHash(name), portable.createHash(name)];
      for (const chunk of cut(bytes, places)) for (const running of hashes) running.update(chunk);
      expect(hashes.map((running) => running.digestHex())).toEqual([native.hashHex(name, bytes), native.hashHex(name, bytes)]);
    }),
  );
});
