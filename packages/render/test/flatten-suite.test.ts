import { rm } from 'node:fs/promises';
import { caseDump, caseTar, loadCases, needsRoot, observe, withoutOwners, type CaseEntry, type FlattenCase } from '@cfskit/flatten-suite';
import { describe, expect, it } from 'vitest';
import { convertDir, convertSquashfs, verify } from '../src/index.ts';
import { failureOf, imageOf, mergedTar, withPath } from './support/images.ts';
import { isRoot, needs } from './support/programs.ts';
import { readTar } from './support/read-tar.ts';
import { treeOfTar } from './support/tree-of-tar.ts';

const cases = loadCases();
const accepted = cases.filter(({ expected }) => typeof expected === 'string');
const refused = cases.filter(({ expected }) => typeof expected !== 'string');

function imageOfCase({ layers }: FlattenCase): ReturnType<typeof imageOf> {
  return imageOf(...layers.map(caseTar));
}

it('has all cases', () => expect(cases.length).toBe(117));

describe.each(['stream', 'sorted'] as const)('tar, %s', (order) => {
  it.each(accepted)('$name', async (one) => {
    const dropped: string[] = [];
    const { bytes, result } = await mergedTar(imageOfCase(one), { order, onWarning: (text) => dropped.push(text) });
    expect(caseDump(treeOfTar(readTar(bytes)))).toBe(one.expected);
    const wanted = one.dropped_links ?? [];
    expect(result.linksDropped).toBe(wanted.length);
    expect(dropped.every((text, i) => text.startsWith(`left out ${wanted[i]},`))).toBe(true);
  });

  it.each(refused)('$name is refused', async (one) => {
    expect(await failureOf(mergedTar(imageOfCase(one), { order }))).toMatchObject({ code: 'LAYER_FAILED' });
  });
});

const unpackable = isRoot ? accepted : accepted.filter((one) => !needsRoot(one));

describe('directory', () => {
  it.each(unpackable)('$name', async (one) => {
    await withPath(async (to) => {
      await convertDir(imageOfCase(one), to);
      expect(observe(to, { ignoreOwners: !isRoot })).toBe(isRoot ? one.expected : withoutOwners(one.expected as string));
      await rm(to, { recursive: true });
    });
  });
});

/** Each case in a directory of its own, layer upon layer, as far as that does not change its meaning. */
function allInOne(): ReturnType<typeof imageOf> {
  const movable = unpackable.filter(({ layers }) => layers.flat().every(isRelative));
  expect(movable.length).toBeGreaterThan(80);
  const count = Math.max(...movable.map(({ layers }) => layers.length));
  const layers = Array.from({ length: count }, (_, n) =>
    movable.flatMap(({ name, layers: own }) => (own[n] ?? []).map((entry) => moved(name, entry))),
  );
  return imageOf(...layers.map(caseTar));
}

function isRelative({ path, target = '', kind }: CaseEntry): boolean {
  const clean = /^(?!\/)[^/]/.test(path) && !path.split('/').some((name) => name === '.' || name === '..');
  return clean && !(kind === 'sym' && (target.startsWith('/') || target.includes('..'))) && !(kind === 'link' && target.startsWith('/'));
}

function moved(name: string, entry: CaseEntry): CaseEntry {
  const target = entry.kind === 'link' ? `${name}/${entry.target}` : entry.target;
  return { ...entry, path: `${name}/${entry.path}`, ...(target !== undefined && { target }) };
}

it.runIf(needs('mksquashfs'))('squashfs holds what the directory holds, for all cases in one image', async () => {
  await withPath(async (to, directory) => {
    const image = allInOne();
    await convertSquashfs(image, to);
    await convertDir(image, `${directory}/reference`);
    const options = { ignoreOwnership: !isRoot, extras: ['mtime', 'links'] } as const;
    const report = await verify({ kind: 'squashfs', path: to }, `${directory}/reference`, options);
    const differences = report.differences.filter(({ path }) => path !== '.'); // mksquashfs takes no time for the root
    expect({ ...report, differences }).toEqual({ onlyInGenerated: [], onlyInReference: [], differences: [] });
  });
});
