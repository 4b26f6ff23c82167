import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { imageId, openImage, readTree } from '@cfskit/erofs';
import { transformForOci, lookup } from '@cfskit/fs-tree';
import { scanDirectory } from '@cfskit/fs-scan';
import { writeImage } from '@cfskit/erofs';
import { openRepository } from '@cfskit/repository';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasXattrs, LARGE, LARGE_ID, LARGE_PATH } from './directory-fixture.ts';
import { failure, json, ok, run, scratch } from './harness.ts';
import { storeDirectory, type StoredDirectory } from './image-fixture.ts';

describe.runIf(hasXattrs)('create-image', () => {
  const path = scratch();
  let stored: StoredDirectory;
  beforeAll(async () => {
    stored = await storeDirectory(path());
  });

  it('stores the files as objects, and the tree as an image under its id and name', async () => {
    const { repo, id } = stored;
    expect(readFileSync(join(repo, 'objects', LARGE_PATH.sha512)).equals(LARGE)).toBe(true);
    expect(await json('images', ['images', '--repo', repo])).toEqual({ images: [{ name: 'os', digest: id }] });
    const repository = await openRepository(repo);
    const { bytes } = repository.readImage('os');
    await repository.close();
    expect(imageId(bytes, 'sha512')).toBe(id);
    const root = readTree(openImage(bytes));
    expect(lookup(root, '/usr/bin/tool')).toBe(lookup(root, '/usr/bin/tool-link'));
    expect([...(lookup(root, '/run') as typeof root).entries()]).toEqual([]);
    expect(root.stat).toEqual(lookup(root, '/usr').stat);
  });

  it('gives the id that the tree has', async () => {
    const { root } = await scanDirectory(stored.root, { algorithm: 'sha512' });
    transformForOci(root);
    expect(stored.id).toBe(imageId(writeImage(root), 'sha512'));
  });

  it('prints what was stored and what was there, as JSON', async () => {
    const { repo, id, root } = stored;
    expect(await json('create-image', ['create-image', '-q', '--repo', repo, root, 'again'])).toEqual({
      image_id: id,
      name: 'again',
      stats: { directories: 6, files: 4, bytes: 210, objects_copied: 0, objects_already_present: 1, bytes_copied: 0 },
    });
  });

  it('makes an image of the format asked for', async () => {
    const { repo, root } = stored;
    const ids = await Promise.all(
      ['0', '1', '2'].map((version) => ok(['create-image', '-q', '--erofs-version', version, '--repo', repo, root])),
    );
    expect(new Set(ids).size).toBe(3);
    expect(ids[1]).toBe(`sha512:${stored.id}\n`);
  });

  it('makes an image in every format of the repository, and names the first', async () => {
    const repo = path('both formats');
    await ok(['init', '--insecure', repo, '--erofs-version', '2']);
    const id = (await ok(['create-image', '-q', '--repo', repo, stored.root, 'os'])).trimEnd().slice('sha512:'.length);
    expect(await json('images', ['images', '--repo', repo])).toEqual({ images: [{ name: 'os', digest: id }] });
    expect(openImage(readFileSync(join(repo, 'images', id))).version).toBe(2);
  });

  it('takes the directory as it is when told to', async () => {
    const { repo, root, id } = stored;
    const plain = await ok(['create-image', '-q', '--no-propagate-usr-to-root', '--repo', repo, root, 'plain']);
    expect(plain).not.toContain(id);
    expect(await ok(['ls', '--repo', repo, 'plain', '/run'])).toBe('lock\n');
  });

  it('keeps its objects through a collection while it has a name', async () => {
    const mine = await storeDirectory(path());
    expect(await ok(['gc', '--repo', mine.repo])).toBe('Objects: 0 removed (0 bytes)\n');
    expect(await ok(['fsck', '-q', '--repo', mine.repo])).toContain('images: 1/1 ok\nstatus: ok\n');
    expect((await readdir(join(mine.repo, 'images'))).toSorted()).toEqual([mine.id, 'refs']);
  });

  it.each([
    [['nowhere'], 'UNREADABLE'],
    [['root/etc/small'], 'NOT_A_DIRECTORY'],
    [['no-usr'], 'NOT_FOUND'],
  ])('%j is no root of a container', async ([name = ''], code) => {
    await ok(['init', '--insecure', '--ensure', path('other')]);
    const directory = name === 'no-usr' ? join(stored.root, 'etc') : join(stored.root, name.replace(/^root\//, ''));
    const ended = await failure(['create-image', '--repo', path('other'), directory, 'name']);
    expect({ code: ended.code, errorCode: ended.error.code }).toEqual({ code: 1, errorCode: code });
    expect(await ok(['images', '--repo', path('other')])).toBe('No images found\n');
  });

  it.each([
    [['create-image'], 'missing PATH'],
    [['create-image', '.', '../up'], 'NAME: invalid reference name'],
    [['create-image', '.', '--bootable'], 'not supported; use cfsctl'],
    [['create-image', '.', '--xattrs', 'none'], 'allowlist-only, keep-user-xattrs'],
  ])('%j is wrong usage', async (argv, message) => {
    const ended = await run([...argv, '--repo', stored.repo]);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain(message);
  });

  it('stops at a signal without naming anything', async () => {
    const signal = AbortSignal.abort(new Error('stopped'));
    const ended = await run(['create-image', '-q', '--repo', stored.repo, stored.root, 'stopped'], { signal });
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(await ok(['images', '--repo', stored.repo])).not.toContain('stopped');
    expect(LARGE_ID.sha256).toHaveLength(64);
  });
});
