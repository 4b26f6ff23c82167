import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatFsckReport, formatGcResult, fsckJson, RepositoryError } from '../src/index.ts';
import type { FsckJson, Repository } from '../src/index.ts';
import { newRepository, tree } from './support.ts';
import { build, vectors, type Scenario } from './vectors.ts';

/** A reader of images that knows the ones of the scenarios, from cfsctl, and takes nothing else for an image. */
function imageReader({ imageObjects = {} }: Scenario): (image: Uint8Array) => readonly string[] {
  return (image) => {
    if (image.byteLength < 4096) throw new Error('Invalid image: cannot parse header');
    return Object.values(imageObjects).flat();
  };
}

async function open(scenario: Scenario): Promise<Repository> {
  const repository = await newRepository({ algorithm: scenario.algorithm, imageReader: imageReader(scenario) });
  build(repository.path, scenario);
  return repository;
}

/** Where we say more than the reference: the details behind the same finding on the same path. */
function comparable({ errors, ...counts }: Omit<FsckJson, 'findings'>): object {
  const shortened = errors.map((text) => text.replace(/^(fsck: (?:stream-open-failed|object-verity-failed): [^:]+: [^:]+).*/, '$1'));
  return { ...counts, errors: shortened.toSorted() };
}

function isCount(line: string): boolean {
  return !line.startsWith('  - ');
}

describe('fsck, as cfsctl', () => {
  // An image under a name that is not its id: the reference only looks at what is in it.
  const ours = new Set(['image with a name that is not hex', 'image under another id']);
  it.each(vectors.scenarios.filter(({ name }) => !ours.has(name)))('$name', async (scenario) => {
    const repository = await open(scenario);
    const { findings: _, ...json } = fsckJson(await repository.fsck());
    expect(comparable(json)).toEqual(comparable(scenario.fsck));
    const { findings: __, ...metadataOnly } = fsckJson(await repository.fsck({ metadataOnly: true }));
    expect(comparable(metadataOnly)).toEqual(comparable(scenario.metadataOnly));
    expect(Object.keys(json)).toEqual(Object.keys(scenario.fsck));
  });
  it.each(vectors.scenarios.filter(({ fsck }) => fsck.errors.length < 2))('$name, as text', async (scenario) => {
    const lines = formatFsckReport(await (await open(scenario)).fsck()).split('\n');
    const expected = scenario.text.split('\n');
    expect(lines.filter(isCount)).toEqual(expected.filter(isCount));
  });
  it.each(vectors.scenarios.filter(({ name }) => ours.has(name)))('$name: the name is found wrong', async (scenario) => {
    const { errors, imagesCorrupted } = await (await open(scenario)).fsck();
    expect(imagesCorrupted).toBe(scenario.fsck.images_corrupted);
    expect(errors).toMatchObject([{ type: 'image-open-failed' }]);
  });
});

describe('gc, as cfsctl', () => {
  const ours = new Set([
    // The reference lets go of what a stream refers to once no name leads to the stream.
    'repointed layer name',
    // Left-over temporary files: the reference keeps them.
    'stray files',
  ]);
  const collected = vectors.scenarios.filter(({ gc, name }) => gc.error === undefined && !ours.has(name));
  it.each(collected)('$name', async (scenario) => {
    const repository = await open(scenario);
    const { roots } = scenario;
    const dryRun = await repository.gc({ roots, dryRun: true });
    const before = tree(repository.path);
    const result = await repository.gc({ roots });
    expect(formatGcResult(result, false)).toBe(scenario.gc.stdout);
    expect(tree(repository.path)).toEqual(scenario.gc.left);
    expect(dryRun).toEqual(result);
    expect(formatGcResult(dryRun, true).split('\n').slice(0, 2)).toEqual(scenario.dryRun.stdout.split('\n').slice(0, 2));
    expect(before.length).toBe(scenario.entries.length + 1);
  });
  it.each(vectors.scenarios.filter(({ gc }) => gc.error !== undefined))('$name: refused, and nothing removed', async (scenario) => {
    const repository = await open(scenario);
    const before = tree(repository.path);
    const { roots } = scenario;
    await expect(repository.gc({ roots, dryRun: true })).rejects.toThrow(scenario.dryRun.error === undefined ? /directory/ : Error);
    await expect(repository.gc({ roots })).rejects.toBeInstanceOf(RepositoryError);
    expect(tree(repository.path)).toEqual(before);
    expect(tree(repository.path)).toEqual(scenario.gc.left);
    // The lock is shared again.
    await expect(repository.gc({ dryRun: true, lockTimeoutMs: 0 })).rejects.not.toMatchObject({ code: 'LOCK_TIMEOUT' });
  });
});

describe('gc, where the reference is surpassed', () => {
  it('keeps what a stream needs whose name leads elsewhere by now', async () => {
    const repository = await open(vectors.scenarios.find(({ name }) => name === 'repointed layer name')!);
    const before = tree(repository.path);
    expect(await repository.gc()).toMatchObject({ objectsRemoved: 0, streamsPruned: 0 });
    expect(tree(repository.path)).toEqual(before);
  });
  it('removes left-over temporary files, and no other stray ones', async () => {
    const repository = await open(vectors.scenarios.find(({ name }) => name === 'stray files')!);
    expect(await repository.gc({ dryRun: true })).toMatchObject({ objectsRemoved: 0 });
    expect(tree(repository.path)).toContain('objects/.tmp-object-abcdefghijkl');
    expect(await repository.gc()).toMatchObject({ objectsRemoved: 0 });
    const left = tree(repository.path);
    for (const path of ['stray', 'objects/stray', 'objects/zz/x']) expect(left).toContain(path);
    for (const path of ['objects/.tmp-object-abcdefghijkl', '.symlink-abcdefghijkl'])
      expect(existsSync(join(repository.path, path))).toBe(false);
  });
});
