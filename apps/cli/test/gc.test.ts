import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openRepository } from '@cfskit/repository';
import { expect, it } from 'vitest';
import { failure, json, ok, run, scratch } from './harness.ts';
import { storeSample } from './stored-fixture.ts';

const path = scratch();

it('has nothing to do in a new repository, and says so as cfsctl does', async () => {
  await ok(['init', '--insecure', path('empty')]);
  expect(await ok(['gc', '--repo', path('empty')])).toBe('Objects: 0 removed (0 bytes)\n');
  expect(await ok(['gc', '-n', '--repo', path('empty')])).toBe('Dry run (no files deleted):\nObjects: 0 removed (0 bytes)\n');
});

it('keeps what is tagged; a dry run tells what a real one does', async () => {
  const { repo } = await storeSample(path());
  expect(await ok(['gc', '-q', '--repo', repo])).toBe('Objects: 0 removed (0 bytes)\n');
  await ok(['untag', 'demo', '--repo', repo]);
  const dry = await json('gc', ['gc', '--dry-run', '--repo', repo]);
  expect(dry).toMatchObject({ dry_run: true, result: { images_pruned: 1, streams_pruned: 4 } });
  const real = (await json('gc', ['gc', '--repo', repo])) as { result: object };
  expect(real).toEqual({ ...(dry as object), dry_run: false });
  expect(await readdir(join(repo, 'streams'))).toEqual(['refs']);
  expect(await ok(['gc', '--repo', repo])).toBe('Objects: 0 removed (0 bytes)\n');
});

it('prints what it pruned', async () => {
  const { repo } = await storeSample(path());
  await ok(['untag', 'demo', '--repo', repo]);
  expect(await ok(['gc', '--repo', repo])).toMatch(/^Objects: 9 removed \(\d+ bytes\)\nPruned symlinks: 1 images, 4 streams\n$/);
});

it('keeps additional roots, and warns of those that are none', async () => {
  const { repo, sample } = await storeSample(path());
  await ok(['untag', 'demo', '--repo', repo]);
  const layer = `oci-layer-${sample.layers.at(0)!.diffId}`;
  const { code, stderr } = await run(['gc', '--repo', repo, '-r', layer, '--root', 'nothing']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'cfskit: warning: --root nothing: no image and no stream of this name\n' });
  expect((await readdir(join(repo, 'streams'))).toSorted()).toEqual([layer, 'refs']);
});

it('collects an artifact with the image it belongs to', async () => {
  const { repo } = await storeSample(path(), { artifact: true });
  await ok(['untag', 'note', 'demo', '--repo', repo]);
  await ok(['gc', '--repo', repo]);
  expect(await readdir(join(repo, 'streams'))).toEqual(['refs']);
});

it('waits for other users of the repository, with a limit', async () => {
  const { repo } = await storeSample(path());
  const other = await openRepository(repo);
  try {
    const { code, error } = await failure(['gc', '--repo', repo, '--lock-timeout', '0']);
    expect({ code, errorCode: error.code }).toEqual({ code: 1, errorCode: 'LOCK_TIMEOUT' });
    expect(await ok(['gc', '-n', '--repo', repo, '--lock-timeout', '0'])).toContain('Objects: 0 removed');
  } finally {
    await other.close();
  }
});
