import { writeImage } from '@cfskit/erofs';
import { Directory, EPOCH, NO_XATTRS, type Stat } from '@cfskit/fs-tree';
import { capabilities } from '@cfskit/linux';
import { spawnSync } from 'node:child_process';
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Repository } from '../src/index.ts';
import { runChild } from './child.ts';
import { FakeVerity, newRepository, testData } from './support.ts';

const stat: Stat = { mode: 0o755, uid: 0, gid: 0, mtime: EPOCH, xattrs: NO_XATTRS };

/** An image with one file that is an object, and one that is not. */
async function storeImage(repository: Repository): Promise<string> {
  const { id: objectId, size } = repository.objects.putSync(testData(5000));
  const root = new Directory(stat);
  root.insert('external', { kind: 'file', stat, content: { kind: 'external', objectId, size } });
  root.insert('inline', { kind: 'file', stat, content: { kind: 'inline', bytes: testData(5) } });
  return repository.writeImage(writeImage(root), { ref: 'main' });
}

describe('what would be done', () => {
  it('is told call by call', async () => {
    const repository = await newRepository();
    const id = await storeImage(repository);
    const target = join(repository.path, 'streams');
    mkdirSync(target);
    const { path } = repository;
    expect(repository.mountImage('refs/main', target, { dryRun: true })).toEqual({
      id,
      mountpoint: realpathSync(target),
      verity: false,
      messages: [],
      steps: [
        { call: 'fsopen', argument: 'erofs' },
        { call: 'fsconfig', argument: 'ro' },
        { call: 'fsconfig', argument: `source=${repository.objects.pathOf(id)}` },
        { call: 'fsconfig', argument: 'create' },
        { call: 'fsmount', argument: '' },
        { call: 'fsopen', argument: 'overlay' },
        { call: 'fsconfig', argument: 'source=composefs:refs/main' },
        { call: 'fsconfig', argument: 'metacopy=on' },
        { call: 'fsconfig', argument: 'redirect_dir=on' },
        { call: 'fsconfig', argument: 'lowerdir+=(the erofs mount)' },
        { call: 'fsconfig', argument: `datadir+=${join(path, 'objects')}` },
        { call: 'fsconfig', argument: 'create' },
        { call: 'fsmount', argument: 'ro' },
        { call: 'move_mount', argument: realpathSync(target) },
      ],
    });
  });

  it('demands fs-verity in a secure repository, and has the layer for changes', async () => {
    const repository = await newRepository({ insecure: false, verity: new FakeVerity() });
    const id = await storeImage(repository);
    const upper = { upperdir: '/upper', workdir: '/work' };
    const { steps, verity } = repository.mountImage(id, repository.path, { dryRun: true, upper, readWrite: true });
    expect(verity).toBe(true);
    const texts = steps.map(({ call, argument }) => `${call} ${argument}`);
    expect(texts).toEqual(expect.arrayContaining(['fsconfig verity=require', 'fsconfig upperdir=/upper', 'fsconfig workdir=/work']));
    expect(texts.filter((text) => text.startsWith('fsmount'))).toEqual(['fsmount ', 'fsmount ']);
  });

  it('needs an image that is what its name says, and a directory', async () => {
    const repository = await newRepository();
    const id = await storeImage(repository);
    expect(() => repository.mountImage('none', repository.path)).toThrow('image not found: none');
    expect(() => repository.mountImage('main', join(repository.path, 'none'))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    writeFileSync(repository.objects.pathOf(id), testData(4096));
    expect(() => repository.mountImage('main', repository.path)).toThrow(/^fs-verity content mismatch/);
  });
});

/** File systems in files since Linux 6.12 (before, with a loop device), data-only layers since 6.5. */
const [major = 0, minor = 0] = release().split('.').map(Number);
const asRoot = process.getuid?.() === 0 && capabilities().mounts.means === 'native' && spawnSync('unshare', ['-m', 'true']).status === 0;
const known = spawnSync('grep', ['-qw', 'erofs', '/proc/filesystems']).status === 0;

it.runIf(asRoot && known && (major > 6 || (major === 6 && minor >= 5)))(
  'an image is mounted, and what is written goes to its layer',
  async () => {
    const repository = await newRepository();
    const id = await storeImage(repository);
    const { status, stdout, stderr } = runChild(['unshare', '-m'], 'mount-image', repository.path);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      plain: { id, mountpoint: join(realpathSync(repository.path), 'mnt'), verity: false },
      names: ['external', 'inline'],
      external: 5000,
      entry: expect.stringMatching(/^overlay composefs:main ro,/) as unknown,
      written: 'EROFS',
      shown: 'EROFS',
      changed: { content: 'changed', upper: ['external'] },
      left: null,
    });
  },
);
