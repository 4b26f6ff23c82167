import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { caseTar, observe, writeCase, type CaseEntry } from '@cfskit/flatten-suite';
import { withTempDir } from '@cfskit/fixtures';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { convertDir } from '../src/index.ts';
import { codesOf, imageOf } from './support/images.ts';
import { isRoot, needs } from './support/programs.ts';
import { randomLayers } from './support/random-images.ts';

const RUNS = Number(process.env['CFSKIT_RANDOM_IMAGES'] ?? 300);

type Layers = readonly (readonly CaseEntry[])[];
type Answer = { readonly dump: string; readonly dropped: number } | { readonly error: string };

/** How the answers to one image compare; anything but these is a failure. */
type Verdict = 'same' | 'both refuse' | 'link without target' | 'metadata of a hidden directory' | 'step up from a file';

async function byUmoci(directory: string): Promise<Answer> {
  const bundle = join(directory, 'bundle');
  const child = spawn('umoci', ['unpack', ...(isRoot ? [] : ['--rootless']), '--image', `${directory}:case`, bundle]);
  let words = '';
  child.stderr.on('data', (bytes: Buffer) => (words += bytes.toString()));
  const [status] = (await once(child, 'close')) as [number];
  return status === 0 ? { dump: observe(join(bundle, 'rootfs'), { ignoreOwners: !isRoot }), dropped: 0 } : { error: words };
}

async function byUs(layers: Layers, to: string): Promise<Answer> {
  try {
    const { linksDropped } = await convertDir(imageOf(...layers.map(caseTar)), to);
    return { dump: observe(to, { ignoreOwners: !isRoot }), dropped: linksDropped };
  } catch (error) {
    return { error: codesOf(error).join(' ') };
  }
}

function judge(layers: Layers, ours: Answer, theirs: Answer): Verdict | undefined {
  if ('error' in ours && 'error' in theirs) return 'both refuse';
  if ('error' in ours) return ours.error === 'LAYER_FAILED NOT_A_DIRECTORY' && climbs(layers) ? 'step up from a file' : undefined;
  if ('error' in theirs)
    return ours.dropped > 0 || (isAboutLink(theirs.error) && replacesATarget(layers)) ? 'link without target' : undefined;
  if (ours.dump === theirs.dump) return 'same';
  if (withoutImplied(ours.dump, theirs.dump)) return 'metadata of a hidden directory';
  return climbs(layers) && (ours.dropped > 0 || hidesMore(theirs.dump, ours.dump)) ? 'step up from a file' : undefined;
}

/**
 * umoci fails where a hard link has no target, or makes way for itself what it links to: its own name, or a directory that holds its target. We
 * leave the first out, the second changes nothing, and in the third case the link keeps the file.
 */
function isAboutLink(error: string): boolean {
  return /unpack entry: \S+: link: (?:no such file or directory|operation not permitted|not a directory|too many levels of symbolic links)/.test(
    error,
  );
}

function replacesATarget(layers: Layers): boolean {
  const symlinks = new Set(layers.flat().flatMap(({ kind, path }) => (kind === 'sym' ? [path] : [])));
  return layers.flat().some(({ kind, path, target = '' }) => {
    const parts = target.split('/');
    const throughSymlink = parts.some((_, i) => symlinks.has(parts.slice(0, i).join('/')));
    return kind === 'link' && (throughSymlink || parts.includes(path.split('/').at(-1) ?? ''));
  });
}

/**
 * A symbolic link to `file/..`: the kernel and we find no directory there, so an entry below it is refused, a marker below it has no effect and a
 * link to something below it has no target; umoci shortens the path before it looks.
 */
function climbs(layers: Layers): boolean {
  return layers.flat().some(({ kind, target = '' }) => kind === 'sym' && /[a-d]\/\.\./.test(target));
}

function hidesMore(theirs: string, ours: string): boolean {
  const paths = new Set(pathsOf(ours));
  return pathsOf(theirs).every((path) => paths.has(path));
}

function pathsOf(dump: string): string[] {
  return dump.split('\n').map((line) => line.replace(/ .*/, ''));
}

/** A directory that a marker hid, and that newer entries keep, has no metadata left; to umoci it has if the marker comes later. */
function withoutImplied(ours: string, theirs: string): boolean {
  const [a, b] = [ours.split('\n'), theirs.split('\n')];
  return a.length === b.length && a.every((line, i) => line === b[i] || (isImplied(line) && isSameDirectory(line, b[i] ?? '')));
}

function isImplied(line: string): boolean {
  return /^\S+ 0 40755 \d+ 0 0 /.test(line);
}

function isSameDirectory(line: string, other: string): boolean {
  const [path, size, , links] = line.split(' ');
  const [otherPath, otherSize, mode = '', otherLinks] = other.split(' ');
  return path === otherPath && size === otherSize && links === otherLinks && mode.startsWith('40');
}

/** Two at a time, for umoci waits more than it works. */
const LANES = 2;

async function compareImages(numRuns: number, counts: Partial<Record<Verdict, number>>): Promise<void> {
  await withTempDir(async (directory) => {
    await fc.assert(
      fc.asyncProperty(randomLayers, async (layers) => {
        await writeCase(directory, { layers });
        const [theirs, ours] = await Promise.all([byUmoci(directory), byUs(layers, join(directory, 'ours'))]);
        for (const name of ['bundle', 'ours', 'blobs']) await rm(join(directory, name), { recursive: true, force: true });
        const verdict = judge(layers, ours, theirs);
        if (verdict !== undefined) counts[verdict] = (counts[verdict] ?? 0) + 1;
        expect(verdict ?? { ours, theirs }).toEqual(expect.any(String));
      }),
      { numRuns },
    );
  });
}

it.runIf(needs('umoci'))(
  `what umoci makes of ${RUNS} random images is what we make, but for what is listed`,
  { timeout: 500 * RUNS + 60_000 },
  async ({ annotate }) => {
    const counts: Partial<Record<Verdict, number>> = {};
    await Promise.all(Array.from({ length: LANES }, () => compareImages(Math.ceil(RUNS / LANES), counts)));
    await annotate(JSON.stringify(counts));
    expect(counts.same).toBeGreaterThan(RUNS / 4);
  },
);
