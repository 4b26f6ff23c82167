import { describe, expect, it } from 'vitest';
import { load } from './means.ts';

describe('with koffi', async () => {
  const { addressOf, openLibrary } = await load('koffi');

  it('calls functions of the process', () => {
    const strlen = openLibrary(null)?.func('size_t strlen(const char *text)');
    expect(strlen?.('fünf')).toBe(5);
  });

  it('takes the first library that loads', () => {
    expect(openLibrary(['libno-such.so.7', 'libm.so.6', 'libc.musl-x86_64.so.1'])?.name).toMatch(/^lib(m|c)/);
    expect(openLibrary(['libno-such.so.7'])).toBeUndefined();
    expect(openLibrary([])).toBeUndefined();
  });

  it('knows symbols that are not there', () => {
    expect(openLibrary(null)?.func('int no_such_function_at_all(int a)')).toBeUndefined();
  });

  it('reports declarations that are none', () => {
    const library = openLibrary(null);
    expect(() => library?.func('size_t strlen(no_such_type text)')).toThrow(/no_such_type/);
    expect(() => library?.func('strlen')).toThrow(TypeError);
  });

  it('makes asynchronous calls', async () => {
    const strlen = openLibrary(null)?.func('size_t strlen(const char *text)');
    const length = await new Promise((resolve) => strlen?.async('four', (_error, result) => resolve(result)));
    expect(length).toBe(4);
  });

  it('knows where arrays are', () => {
    const small = new Uint8Array(8); // made on V8's own heap, from where asking for the address moves it for good
    const address = addressOf(small)!;
    expect(address).toBeGreaterThan(0);
    expect(addressOf(small)).toBe(address);
    expect(addressOf(small.subarray(3))).toBe(address + 3);
    expect(addressOf(new Uint8Array(new SharedArrayBuffer(8)))).toBeGreaterThan(0);
    expect(() => addressOf(new Uint8Array(0))).toThrow(RangeError);
  });

  it('reads and writes the memory of arrays by their address', () => {
    const memcpy = openLibrary(null)!.func('uintptr_t memcpy(uintptr_t to, uintptr_t from, size_t size)')!;
    const from = new Uint8Array([1, 2, 3, 4]);
    const to = new Uint8Array(4);
    memcpy(addressOf(to)! + 1, addressOf(from)!, 3);
    expect([...to]).toEqual([0, 1, 2, 3]);
  });
});

describe('without koffi', async () => {
  const { addressOf, openLibrary } = await load('fallbacks');

  it('has neither libraries nor addresses', () => {
    expect(openLibrary(null)).toBeUndefined();
    expect(openLibrary(['libm.so.6'])).toBeUndefined();
    expect(addressOf(new Uint8Array(1))).toBeUndefined();
  });
});
