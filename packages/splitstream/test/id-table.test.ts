import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hash } from 'node:crypto';
import { IdList, IdTable } from '../src/id-table.ts';
import { id } from './support.ts';

describe.each(['sha256', 'sha512'] as const)('table of %s', (algorithm) => {
  const digest = (value: number): string => hash(algorithm, String(value));

  it('numbers ids in the order of first use', () => {
    const table = new IdTable(algorithm);
    const order = [0, 1, 0, 2, 1, 3];
    expect(order.map((value) => table.add(digest(value)))).toEqual(order);
    expect(table.count).toBe(4);
    expect(new IdList(table.bytes, algorithm).toArray()).toEqual([0, 1, 2, 3].map((value) => digest(value)));
  });

  it('does so for thousands', () => {
    const table = new IdTable(algorithm);
    const values = Array.from({ length: 5000 }, (_, index) => index);
    expect(values.map((value) => table.add(digest(value)))).toEqual(values);
    expect(values.toReversed().map((value) => table.add(digest(value)))).toEqual(values.toReversed());
    expect(new IdList(table.bytes, algorithm).at(4321)).toBe(digest(4321));
  });
});

it('tells ids apart that differ in one byte only', () => {
  const table = new IdTable('sha256');
  const ids = Array.from({ length: 64 }, (_, index) => `${'0'.repeat(index)}1${'0'.repeat(63 - index)}`);
  expect(ids.map((value) => table.add(value))).toEqual(ids.map((_, index) => index));
});

it('equals a map, for any sequence', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 200 }), { maxLength: 500 }), (values) => {
      const table = new IdTable('sha256');
      const expected = new Map<number, number>();
      for (const value of values) {
        if (!expected.has(value)) expected.set(value, expected.size);
        expect(table.add(id(value))).toBe(expected.get(value));
      }
    }),
    { numRuns: 30 },
  );
});
