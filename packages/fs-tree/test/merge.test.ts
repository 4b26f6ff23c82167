import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyLayers, FsTreeError, LayerMerge, type LayerEntry, type MergeLimits, type MergePolicy } from '../src/index.ts';
import { dump, failure, mergeLayers, outcome, stat } from './support.ts';

const policies: readonly MergePolicy[] = ['archive-order', 'oci'];
const dir = (path: string, mode = 0o755): LayerEntry => ({ kind: 'directory', path, stat: stat({ mode }) });
const fifo = (path: string): LayerEntry => ({ kind: 'fifo', path, stat: stat() });
const link = (path: string, target: string): LayerEntry => ({ kind: 'hard-link', path, stat: stat(), target });
const symlink = (path: string, target: string): LayerEntry => ({ kind: 'symlink', path, stat: stat({ mode: 0o777 }), target });

function paths(layers: readonly (readonly LayerEntry[])[], policy: MergePolicy): string[] {
  return dump(mergeLayers(layers, { policy }))
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ', 1).at(0)!);
}

function pathsOrError(layers: readonly (readonly LayerEntry[])[]): string[] | string {
  const result = outcome(() => paths(layers, 'archive-order'));
  return result instanceof FsTreeError ? result.message : result;
}

it('takes layers from either kind of iterable', async () => {
  const asynchronous = async function* () {
    yield dir('d');
    yield fifo('d/a');
  };
  const { root } = await applyLayers([asynchronous(), [fifo('d/b')]], { policy: 'archive-order' });
  expect(
    dump(root)
      .split('\n')
      .map((line) => line.split(' ', 1)[0]),
  ).toEqual(['/', '/d', '/d/a', '/d/b', '']);
});

it('does not look into contents', () => {
  const merge = new LayerMerge<{ layer: number }>({ policy: 'archive-order' });
  merge.beginLayer();
  const content = { layer: 7 };
  merge.add({ kind: 'file', path: 'f', stat: stat(), content });
  merge.add({ kind: 'hard-link', path: 'g', stat: stat(), target: '/f' });
  const { root } = merge.finish();
  expect(root.get('f')).toMatchObject({ content });
  expect(root.get('f')).toBe(root.get('g'));
});

describe.each(policies)('%s', (policy) => {
  it.each<[string, LayerEntry, string]>([
    ['a name of 256 bytes', fifo('n'.repeat(256)), 'INVALID_NAME'],
    ['a name with NUL', fifo('a\0'), 'INVALID_NAME'],
    ['an empty link target', symlink('a', ''), 'INVALID_TARGET'],
    ['a link target of 4096 bytes', symlink('a', 't'.repeat(4096)), 'INVALID_TARGET'],
    ['a link target with NUL', symlink('a', 'a\0'), 'INVALID_TARGET'],
    ['a device number above 32 bits', { kind: 'block-device', path: 'a', stat: stat(), rdev: 2n ** 32n }, 'INVALID_DEVICE'],
    ['a hard link to nowhere at all', link('a', ''), 'INVALID_PATH'],
    ['a hard link out of the root', link('a', '../a'), 'INVALID_PATH'],
    ['a path out of the root', fifo('../a'), 'INVALID_PATH'],
    ['a root that is a file', fifo('/'), 'NOT_A_DIRECTORY'],
    ['a child of a file', fifo('f/a'), 'NOT_A_DIRECTORY'],
  ])('refuses %s', (_, entry, code) => {
    expect(failure(() => mergeLayers([[fifo('f'), entry]], { policy })).code).toBe(code);
  });

  it('takes names of 255 bytes and targets of 4095', () => {
    expect(paths([[fifo('n'.repeat(255)), symlink('l', 't'.repeat(4095))]], policy)).toHaveLength(3);
  });

  it.each<[string, MergeLimits, LayerEntry[]]>([
    ['entries', { maxEntries: 2 }, [fifo('a'), fifo('a'), fifo('a')]],
    ['attributes', { maxXattrBytes: 10 }, [{ ...fifo('a'), stat: stat({ xattrs: new Map([['user.name', 'xy']]) }) }]],
    ['depth', { maxDepth: 3 }, [dir('a'), dir('a/b'), dir('a/b/c')]],
  ])('limit of %s', (_, limits, entries) => {
    expect(failure(() => mergeLayers([entries], { policy, limits })).code).toBe('LIMIT');
    expect(mergeLayers([entries], { policy }).size).toBe(1);
  });

  it('files may be as deep as the deepest directory allows', () => {
    expect(paths([[dir('a'), dir('a/b'), fifo('a/b/c')]], policy)).toContain('/a/b/c');
    const entries = [dir('a'), dir('a/b'), fifo('a/b/c')];
    expect(mergeLayers([entries], { policy, limits: { maxDepth: 3 } }).size).toBe(1);
  });

  it('a path of a million slashes is a short one', () => {
    expect(paths([[fifo(`${'/'.repeat(1_000_000)}a`)]], policy)).toEqual(['/', '/a']);
  });

  it('any stack gives a tree or a typed error, whose dump is read back', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'l', '..', '.');
    const last = fc.constantFrom('a', 'b', 'c', 'l', '..', '.wh.a', '.wh.b', '.wh..wh..opq', '.wh.', '.wh..wh.x');
    const path = fc.tuple(fc.array(name, { maxLength: 2 }), last).map(([names, end]) => [...names, end].join('/'));
    const entry: fc.Arbitrary<LayerEntry> = fc.oneof(
      path.map((p) => dir(p)),
      path.map(fifo),
      fc.tuple(path, path).map(([p, target]) => link(p, target)),
      fc.tuple(path, fc.array(name, { maxLength: 3 })).map(([p, target]) => symlink(p, target.join('/'))),
    );
    fc.assert(
      fc.property(fc.array(fc.array(entry, { maxLength: 8 }), { maxLength: 4 }), (layers) => {
        const result = outcome(() => paths(layers, policy));
        expect(result instanceof FsTreeError || result.every((p) => !p.includes('.wh.'))).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('archive-order', () => {
  it('a stack of layers is one long layer', () => {
    const name = fc.constantFrom('a', 'b', '.wh.a', '.wh..wh..opq');
    const path = fc.array(name, { minLength: 1, maxLength: 2 }).map((names) => names.join('/'));
    const entry = fc.tuple(path, fc.boolean()).map(([p, directory]) => (directory ? dir(p) : fifo(p)));
    fc.assert(
      fc.property(fc.array(fc.array(entry, { maxLength: 5 }), { maxLength: 4 }), (layers) => {
        expect(pathsOrError(layers)).toEqual(pathsOrError([layers.flat()]));
      }),
    );
  });

  it('knows no positions', () => {
    const merge = new LayerMerge({ policy: 'archive-order' });
    merge.beginLayer();
    merge.add(fifo('a'));
    const { root, position } = merge.finish();
    expect(position(root, 'a')).toBeUndefined();
  });
});

describe('oci', () => {
  it('markers of a layer may stand anywhere in it', () => {
    // Names are written once per layer, so that only markers could make a difference.
    const item = fc.uniqueArray(
      fc.constantFrom('a', 'a/x', 'a/y', 'b', 'b/x', '.wh.a', '.wh.b', 'a/.wh.x', 'a/.wh.y', 'a/.wh..wh..opq', '.wh..wh..opq'),
    );
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 3 }), fc.infiniteStream(fc.nat(100)), (stack, places) => {
        const layers = stack.map((names) => names.map((name) => (name === 'a' || name === 'b' ? dir(name, 0o700) : fifo(name))));
        const moved = layers.map((layer) => {
          const markers = layer.filter(({ path }) => path.includes('.wh.'));
          const rest = layer.filter(({ path }) => !path.includes('.wh.'));
          for (const marker of markers) rest.splice(places.next().value % (rest.length + 1), 0, marker);
          return rest;
        });
        expect(dump(mergeLayers(moved, { policy: 'oci' }))).toBe(dump(mergeLayers(layers, { policy: 'oci' })));
      }),
      { numRuns: 500 },
    );
  });

  it('says which entry wrote a name last', () => {
    const merge = new LayerMerge({ policy: 'oci' });
    merge.beginLayer();
    for (const entry of [fifo('.wh.no'), dir('d'), fifo('d/old'), fifo('i/x')]) merge.add(entry);
    merge.beginLayer();
    for (const entry of [fifo('d/new'), fifo('.wh.d'), link('l', 'i/x'), link('gone', 'no')]) merge.add(entry);
    const { root, position } = merge.finish();
    const d = root.get('d');
    const i = root.get('i');
    if (d?.kind !== 'directory' || i?.kind !== 'directory') throw new Error('no directories');
    expect([
      position(root, 'd'),
      position(d, 'new'),
      position(root, 'i'),
      position(i, 'x'),
      position(root, 'l'),
      position(root, 'no'),
    ]).toEqual([
      { layer: 1, ordinal: undefined },
      { layer: 1, ordinal: 0 },
      { layer: 0, ordinal: undefined },
      { layer: 0, ordinal: 3 },
      { layer: 1, ordinal: 2 },
      undefined,
    ]);
  });

  it('strict refuses a hard link that would be left out', () => {
    expect(failure(() => mergeLayers([[link('a', 'no')]], { policy: 'oci', strict: true })).code).toBe('NOT_FOUND');
    expect(failure(() => mergeLayers([[dir('d'), link('a', 'd')]], { policy: 'oci', strict: true })).code).toBe('IS_A_DIRECTORY');
  });

  it('a hard link whose target is behind a loop is left out', () => {
    expect(paths([[symlink('x', 'x'), link('a', 'x/y')]], 'oci')).toEqual(['/', '/x']);
  });

  it('follows 40 links, and no more', () => {
    const links = Array.from({ length: 41 }, (_, i) => symlink(`l${i}`, i === 0 ? 'd' : `l${i - 1}`));
    expect(paths([[...links, fifo('l39/x')]], 'oci')).toContain('/d/x');
    expect(failure(() => mergeLayers([[...links, fifo('l40/x')]], { policy: 'oci' })).code).toBe('SYMLINK_LOOP');
    expect(failure(() => mergeLayers([[...links, fifo('l40/.wh.x')]], { policy: 'oci' })).code).toBe('SYMLINK_LOOP');
  });

  it('a missing directory that a link steps back from is not made', () => {
    expect(paths([[symlink('s', 'gone/../d'), fifo('s/x')]], 'oci')).toEqual(['/', '/d', '/d/x', '/s']);
  });

  it('depth counts where an entry ends up', () => {
    const limits = { maxDepth: 4 };
    expect(failure(() => mergeLayers([[symlink('s', 'a/b/c'), dir('s/d')]], { policy: 'oci', limits })).code).toBe('LIMIT');
    expect(mergeLayers([[symlink('s', 'a/b'), dir('s/c')]], { policy: 'oci', limits }).size).toBe(2);
  });

  it('many markers on one large directory take no longer than one', () => {
    const count = 20_000;
    const children = Array.from({ length: count }, (_, i) => fifo(`d/${i}`));
    const markers = Array.from({ length: count }, (_, i) => fifo(i % 2 === 0 ? '.wh.d' : 'd/.wh..wh..opq'));
    expect(paths([children, [...children, ...markers]], 'oci')).toHaveLength(count + 2);
  });
});
