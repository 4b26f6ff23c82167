import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { JsonFramer } from '../src/json-framer.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));

function frames(framer: JsonFramer, bytes: Uint8Array, cuts: readonly number[]): unknown[] {
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return ends.flatMap((end, i) => framer.push(bytes.subarray(i === 0 ? 0 : ends[i - 1], end))!.map(decode));
}

it('finds the same objects however the bytes are cut', () => {
  const object = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue());
  fc.assert(
    fc.property(fc.array(object), fc.array(fc.nat()), fc.constantFrom('', '\n', ' \r\n'), (objects, cuts, between) => {
      const bytes = encode(objects.map((value) => JSON.stringify(value) + between).join(''));
      expect(frames(new JsonFramer(1 << 20), bytes, cuts)).toEqual(JSON.parse(JSON.stringify(objects)));
    }),
  );
});

it('keeps brackets and quotes of strings apart from those of objects', () => {
  const value = { a: '}{"\\', '}"': [{ b: '\\"}' }] };
  expect(new JsonFramer(100).push(encode(`${JSON.stringify(value)}{`))!.map(decode)).toEqual([value]);
});

it('refuses an object that is too long, finished or not', () => {
  expect(new JsonFramer(10).push(encode('{"a":"12345'))).toBeUndefined();
  const framer = new JsonFramer(10);
  expect(framer.push(encode('{"a":'))).toEqual([]);
  expect(framer.push(encode('"123456'))).toBeUndefined();
});

function feed(chunks: readonly Uint8Array[]): void {
  const framer = new JsonFramer(100);
  for (const chunk of chunks) framer.push(chunk);
}

it('takes any bytes', () => {
  expect(() => fc.assert(fc.property(fc.array(fc.uint8Array()), feed))).not.toThrow();
});
