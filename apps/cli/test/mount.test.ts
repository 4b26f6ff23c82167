import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { capabilities } from '@cfskit/linux';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { parseMountOptions } from '../src/mount-image-file.ts';
import { parseMountTable } from '../src/mount-table.ts';
import { hasXattrs, LARGE } from './directory-fixture.ts';
import { document, failure, json, ok, run, scratch } from './harness.ts';
import { storeDirectory, type StoredDirectory } from './image-fixture.ts';
import { exited, shellCli, shellWord, startProgram } from './spawn-cli.ts';

vi.setConfig({ testTimeout: 60_000 }); // processes of their own, on machines that may be busy
const path = scratch();
const isRoot = process.getuid?.() === 0;
const mayMount = capabilities().mounts.means === 'native';

describe.runIf(hasXattrs)('mount --dry-run', () => {
  let stored: StoredDirectory;
  beforeAll(async () => {
    stored = await storeDirectory(path());
    mkdirSync(path('mnt'));
  });

  it('prints the system calls, and needs no privileges', async () => {
    const text = await ok(['mount', '--dry-run', '--repo', stored.repo, 'os', path('mnt')]);
    expect(text.split('\n')).toEqual([
      'fsopen erofs',
      'fsconfig ro',
      expect.stringContaining(`fsconfig source=${join(stored.repo, 'objects')}/`),
      'fsconfig create',
      'fsmount',
      'fsopen overlay',
      'fsconfig source=composefs:os',
      'fsconfig metacopy=on',
      'fsconfig redirect_dir=on',
      'fsconfig lowerdir+=(the erofs mount)',
      `fsconfig datadir+=${join(stored.repo, 'objects')}`,
      'fsconfig create',
      'fsmount ro',
      `move_mount ${realpathSync(path('mnt'))}`,
      '',
    ]);
    const argv = ['mount', '--dry-run', '--repo', stored.repo, 'refs/os', path('mnt'), '--upperdir=up', '--workdir=work', '--read-write'];
    const result = (await json('mount', argv, { cwd: '/some' })) as { steps: string[] };
    expect(result).toMatchObject({ mountpoint: realpathSync(path('mnt')), image_id: stored.id, verity: false, kind: 'kernel' });
    expect(result.steps).toEqual(expect.arrayContaining(['fsconfig upperdir=/some/up', 'fsconfig workdir=/some/work', 'fsmount']));
  });

  it('finds what is missing', async () => {
    expect((await failure(['mount', '--dry-run', '--repo', stored.repo, 'none', path('mnt')])).error.code).toBe('NOT_FOUND');
    expect((await failure(['mount', '--dry-run', '--repo', stored.repo, 'os', path('none')])).error).toMatchObject({
      code: 'SYSTEM',
      detail: { errno: 'ENOENT' },
    });
  });

  it.runIf(!mayMount)('mount says what is missing, and what can be done without', async () => {
    const { code, error } = await failure(['mount', '--repo', stored.repo, 'os', path('mnt')]);
    expect({ code, error }).toMatchObject({
      code: 1,
      error: { code: 'UNSUPPORTED', message: expect.stringContaining('"cfskit ls"') as unknown },
    });
  });
});

it.each([
  [['mount', 'os'], 'missing DIR'],
  [['mount', 'os', '/mnt', '--upperdir', 'x'], '--upperdir and --workdir go together'],
  [['mount', 'os', '/mnt', '--read-write'], '--read-write needs --upperdir'],
  [['mount', '../x', '/mnt'], 'NAME: '],
  [['mount', '--fuse=yes', 'os', '/mnt'], 'not part of this tool'],
  [['umount'], 'missing DIR...'],
  [['mount.composefs', '-t', 'ext4', 'image', '/mnt'], "unsupported file system type 'ext4'"],
  [['mount.composefs', 'image', '/mnt'], 'no basedir'],
  [['mount.composefs', '-o', 'basedir=/x,noexec', 'image', '/mnt'], 'unsupported option noexec'],
])('%j is wrong usage', async (argv, message) => {
  const ended = await run([...argv, '--no-repo']);
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toContain(message);
});

describe('-o of mount.composefs', () => {
  it.each([
    ['basedir=/a', { basedirs: ['/a'], verity: 'off', readOnly: false }],
    ['basedir=/a:/b,ro,verity', { basedirs: ['/a', '/b'], verity: 'require', readOnly: true }],
    ['ro,basedir=/a,rw,tryverity', { basedirs: ['/a'], verity: 'try', readOnly: false }],
    [
      String.raw`basedir=/a\,b,upperdir=/u\\,workdir=/w=1`,
      { basedirs: ['/a,b'], verity: 'off', upperdir: '/u\\', workdir: '/w=1', readOnly: false },
    ],
    [
      `basedir=/a,digest=${'AB'.repeat(32)},idmap=/proc/1/ns/user`,
      { basedirs: ['/a'], digest: 'ab'.repeat(32), verity: 'require', idmap: '/proc/1/ns/user', readOnly: false },
    ],
  ])('%s', (text, options) => {
    expect(parseMountOptions(text)).toEqual(options);
  });

  it.each(['', 'basedir', 'basedir=', 'basedir=/a::/b', 'basedir=/a,digest=xyz', 'basedir=/a,upperdir=/u', 'basedir=/a,digest'])(
    '%j is refused',
    (text) => {
      expect(() => parseMountOptions(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
    },
  );
});

it('the mount table is read', () => {
  const text = String.raw`36 35 98:0 /mnt1 /mnt/a\040b\134c rw,noatime master:1 - overlay composefs:refs/my\011image rw,errors=continue
37 35 98:0 / /proc rw - proc proc rw
`;
  expect(parseMountTable(text)).toEqual([
    { mountpoint: String.raw`/mnt/a b\c`, type: 'overlay', source: 'composefs:refs/my\timage' },
    { mountpoint: '/proc', type: 'proc', source: 'proc' },
  ]);
});

it('umount refuses what is no mount, and mounts of others', async () => {
  mkdirSync(path('no-mount'));
  expect((await failure(['umount', path('no-mount')])).error).toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('nothing is mounted on') as unknown,
  });
  const ended = await failure(['umount', '/proc']);
  expect(ended.error).toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining('--force') as unknown });
  expect((await failure(['umount', path('nowhere')])).error.code).toBe('SYSTEM');
});

/** File systems in files since Linux 6.12 (before, with a loop device), data-only layers since 6.5. */
const [major = 0, minor = 0] = release().split('.').map(Number);
const possible =
  isRoot &&
  mayMount &&
  hasXattrs &&
  (major > 6 || (major === 6 && minor >= 5)) &&
  spawnSync('unshare', ['-m', 'true']).status === 0 &&
  spawnSync('sh', ['-c', 'modprobe -qa erofs overlay; grep -qw erofs /proc/filesystems && grep -qw overlay /proc/filesystems']).status ===
    0;

/** Run a script in a mount namespace of its own, in the directory of these tests. */
function inNamespace(...script: readonly string[]): ReturnType<typeof exited> {
  return exited(startProgram(['unshare', '-m', 'bash', '-euc', script.join('\n')], { cwd: path() }));
}

describe.runIf(possible)('the kernel', () => {
  let stored: StoredDirectory;
  beforeAll(async () => {
    stored = await storeDirectory(path());
  });

  it('mounts an image, read-only and with changes, and takes it away again', async () => {
    const repo = ['--repo', stored.repo];
    for (const name of ['m', 'up', 'work']) mkdirSync(path(name));
    const ended = await inNamespace(
      shellCli(['mount', ...repo, 'os', 'm', '--json']),
      'cat m/usr/sh; echo; ls m/etc | tr "\\n" " "; stat -c "%a %h" m/usr/bin/tool; ! touch m/x 2>/dev/null',
      'grep -o "overlay composefs:os ro" /proc/self/mountinfo',
      shellCli(['umount', '--json', 'm']),
      shellCli(['mount', ...repo, 'refs/os', 'm', '--upperdir', 'up', '--workdir', 'work', '--read-write']),
      'echo changed > m/etc/small',
      `${shellCli(['umount', 'm'])}; ${shellCli(['umount', 'm'])} || echo "code $?"`,
    );
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringMatching(/^cfskit: nothing is mounted on .*\n$/) as unknown });
    const lines = ended.stdout.split('\n');
    expect(document('mount', `${lines[0]}\n`)).toEqual({
      mountpoint: realpathSync(path('m')),
      image_id: stored.id,
      verity: false,
      kind: 'kernel',
    });
    expect(lines[1]).toBe(new TextDecoder().decode(LARGE));
    expect(lines[2]).toMatch(/^absolute fifo .* small 755 2$/);
    expect(ended.stdout).toContain('overlay composefs:os ro');
    expect(ended.stdout).toContain(`{"unmounted":["${realpathSync(path('m'))}"]}\n`);
    expect(ended.stdout).toMatch(/code 1\n$/);
    expect(readFileSync(path('up/etc/small'), 'utf8')).toBe('changed\n');
    expect(readdirSync(path('m'))).toEqual([]);
  });

  it('mounts image files, with several directories of objects', async () => {
    for (const name of ['n', 'empty,dir', 'up2', 'work2']) mkdirSync(path(name));
    await ok(['mkcomposefs', '--digest-store=store', stored.root, 'image.cfs'], { cwd: path() });
    const ended = await inNamespace(
      shellCli(['mount.composefs', '-o', String.raw`basedir=empty\,dir:store`, 'image.cfs', 'n']),
      'cat n/usr/sh; echo; ls n/run',
      shellCli(['umount', 'n']),
      shellCli(['mount.composefs', '-t', 'composefs', 'image.cfs', 'n', '-o', 'basedir=store,upperdir=up2,workdir=work2']),
      'echo changed > n/new',
      shellCli(['umount', '--lazy', 'n']),
      `${shellCli(['mount.composefs', '-o', `basedir=store,digest=${'0'.repeat(64)}`, 'image.cfs', 'n'])} || echo "code $?"`,
    );
    expect(ended).toMatchObject({
      code: 0,
      stdout: `${new TextDecoder().decode(LARGE)}\nlock\ncode 1\n`,
      stderr: expect.stringContaining('Image has no fs-verity') as unknown,
    });
    expect(readFileSync(path('up2/new'), 'utf8')).toBe('changed\n');
  });

  it('takes away mounts of others only with --force', async () => {
    mkdirSync(path('tmpfs'));
    const ended = await inNamespace(
      'mount -t tmpfs none tmpfs',
      `${shellCli(['umount', 'tmpfs', '-q'])} 2>/dev/null || echo "code $?"`,
      shellCli(['umount', '--force', 'tmpfs']),
      `! grep -q ${shellWord(` ${path('tmpfs').replaceAll(' ', String.raw`\\040`)} `)} /proc/self/mountinfo`,
    );
    expect(ended).toEqual({ code: 0, signal: null, stdout: 'code 1\n', stderr: '' });
  });

  it('refuses an image that is none', async () => {
    mkdirSync(path('z'));
    writeFileSync(path('none.cfs'), new Uint8Array(8192));
    const ended = await inNamespace(shellCli(['mount.composefs', '-o', 'basedir=.', 'none.cfs', 'z']));
    expect(ended).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^cfskit: E[A-Z]+: /) as unknown });
  });
});
