import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  EPOCH,
  LayerMerge,
  lookup,
  NO_XATTRS,
  packContent,
  sameStat,
  type FileContent,
  type LayerEntry,
  type MergeOptions,
  type Stat,
} from '../src/index.ts';
import { content, stat } from './arbitraries.ts';

const plain: Stat = { mode: 0o644, uid: 0, gid: 0, mtime: EPOCH, xattrs: NO_XATTRS };

function statsOf(stats: readonly Stat[], options: Pick<MergeOptions, 'shareStats'> = { shareStats: true }): readonly Stat[] {
  const merge = new LayerMerge({ policy: 'archive-order', ...options });
  merge.beginLayer();
  stats.forEach((each, index) => merge.add({ kind: 'fifo', path: `/${index}`, stat: each } satisfies LayerEntry));
  const { root } = merge.finish();
  return stats.map((_, index) => lookup(root, `/${index}`).stat);
}

describe('metadata of a merge', () => {
  it('is shared where it is the same', () => {
    const capable = (): Stat => ({ ...plain, xattrs: new Map([['security.capability', 'x']]) });
    const [a, b, c, d] = statsOf([plain, capable(), { ...plain, mtime: { ...EPOCH } }, capable()]);
    expect(c).toBe(a);
    expect(d).toBe(b);
    expect(b).not.toBe(a);
  });

  it('is that very one of the entry, which may say more, unless sharing was asked for', () => {
    const stats = [
      { ...plain, origin: 1 },
      { ...plain, origin: 2 },
    ];
    expect(statsOf(stats, {}).map((found, index) => found === stats[index])).toEqual([true, true]);
  });

  it('is that of the entry, whatever is shared', () => {
    // From few values, so that many are equal and many others differ in one field only.
    const similar = fc.record({
      mode: fc.constantFrom(0, 0o644),
      uid: fc.constantFrom(0, 1),
      gid: fc.constantFrom(0, 31),
      mtime: fc.record({ seconds: fc.constantFrom(0n, 1n, 2n ** 32n), nanoseconds: fc.constantFrom(0, 1) }),
      xattrs: fc.constantFrom('', 'a', 'b').map((value) => new Map(value === '' ? [] : [['user.x', value]])),
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(similar, stat), { maxLength: 40 }), (stats) => {
        expect(statsOf(stats)).toEqual(stats);
      }),
    );
  });
});

it('compares metadata by every field', () => {
  expect(sameStat(plain, { ...plain, mtime: { ...EPOCH }, xattrs: new Map() })).toBe(true);
  expect(sameStat(plain, { ...plain, mode: 0o100644 })).toBe(true);
  const others: Partial<Stat>[] = [
    { mode: 0o600 },
    { uid: 1 },
    { gid: 1 },
    { mtime: { seconds: 1n, nanoseconds: 0 } },
    { mtime: { seconds: 0n, nanoseconds: 1 } },
    { xattrs: new Map([['user.a', '']]) },
  ];
  for (const other of others) expect(sameStat(plain, { ...plain, ...other })).toBe(false);
  expect(sameStat({ ...plain, xattrs: new Map([['user.a', '']]) }, { ...plain, xattrs: new Map([['user.b', '']]) })).toBe(false);
});

it('packs any content into the same content', () => {
  fc.assert(
    fc.property(content, (given) => {
      expect(plainly(packContent(given))).toEqual(plainly(given));
    }),
  );
});

function plainly(given: FileContent): object {
  return given.kind === 'inline' ? { kind: given.kind, bytes: [...given.bytes] } : given;
}
