import { array, assert, integer, property } from 'fast-check';
import { expect, it } from 'vitest';
import { RecentIds } from '../src/recent-ids.ts';

it('knows the last ones, forgets others, and never makes any up', () => {
  assert(
    property(array(integer({ min: 0, max: 30 }).map(String)), integer({ min: 1, max: 5 }), (ids, capacity) => {
      const recent = new RecentIds(capacity);
      const added: string[] = [];
      for (const id of ids) {
        expect(recent.has(id) && !added.includes(id)).toBe(false);
        recent.add(id);
        added.push(id);
        for (const last of added.slice(-capacity)) expect(recent.has(last)).toBe(true);
      }
    }),
  );
});

it('forgets one, and all', () => {
  const recent = new RecentIds(1);
  for (const id of ['a', 'b']) recent.add(id);
  recent.delete('a');
  expect(recent.has('a')).toBe(false);
  expect(recent.has('b')).toBe(true);
  recent.clear();
  expect(recent.has('b')).toBe(false);
});
