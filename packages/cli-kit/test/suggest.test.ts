import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alternatives, editDistance, nearest } from '../src/suggest.ts';

it.each([
  ['', '', 0],
  ['pull', 'pull', 0],
  ['pul', 'pull', 1],
  ['plul', 'pull', 1],
  ['gc', 'fsck', 3],
  ['', 'abc', 3],
])('distance of %j and %j is %i', (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance);
});

it('has the properties of a distance', () => {
  assert(
    property(string({ maxLength: 12 }), string({ maxLength: 12 }), (a, b) => {
      const distance = editDistance(a, b);
      expect(distance).toBe(editDistance(b, a));
      expect(distance === 0).toBe(a === b);
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      expect(distance).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
    }),
  );
});

describe('nearest', () => {
  const names = ['init', 'pull', 'images', 'inspect', 'gc', 'fsck'];

  it('gives as many as asked for, nearest first', () => {
    expect(nearest('imags', names, 3)).toEqual(['images', expect.any(String), expect.any(String)]);
    expect(nearest('pull', names, 1)).toEqual(['pull']);
  });

  it('takes the beginning of a name for it', () => {
    expect(nearest('ins', names, 1)).toEqual(['inspect']);
  });

  it('leaves out what is too far away', () => {
    expect(nearest('zzzzzzzz', names, 3, 2)).toEqual([]);
  });
});

it('joins alternatives as people do', () => {
  expect(alternatives(['a'])).toBe("'a'");
  expect(alternatives(['a', 'b'])).toBe("'a' or 'b'");
  expect(alternatives(['a', 'b', 'c'])).toBe("'a', 'b' or 'c'");
});
