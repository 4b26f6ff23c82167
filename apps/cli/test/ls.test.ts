import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasXattrs, LARGE, LARGE_ID, LARGE_PATH } from './directory-fixture.ts';
import { failure, json, ok, run, scratch } from './harness.ts';
import { storeDirectory, type StoredDirectory } from './image-fixture.ts';
import { storedSample } from './stored-fixture.ts';

const path = scratch();
const oci = storedSample();

const listed = (...argv: string[]): Promise<string> => ok(['ls', '--repo', oci.repo, ...argv]);

describe('of an OCI image', () => {
  it('ls lists what its EROFS image holds', async () => {
    expect(await listed('demo')).toBe('etc\nusr\n');
    expect(await listed('demo', 'usr')).toBe('other\n'); // the rest is below an opaque marker
    expect(await listed('demo', '/etc/')).toBe(String.raw`name\x0awith a line` + '\n' + String.raw`odd-\xff` + '\n');
    expect(await listed('stored:demo', '/usr/other')).toBe('/usr/other\n');
  });

  it('cat prints its files', async () => {
    const { bytes } = await run(['cat', '--repo', oci.repo, 'demo', 'usr/other']);
    expect(Buffer.from(bytes).equals(Buffer.alloc(200, 'x'))).toBe(true);
    expect(await ok(['cat', '--repo', oci.repo, 'demo', '/etc/name\nwith a line'])).toBe('small\n');
  });

  it('without REF, ls lists the images', async () => {
    expect(await ok(['ls', '--repo', oci.repo])).toContain('demo  ');
    expect(await ok(['ls', '--filter', 'nothing', '--repo', oci.repo])).toBe('No images found\n');
    expect((await json('oci-images', ['ls', '--repo', oci.repo])) as object).toHaveProperty('images');
  });

  it.each([
    [['ls', '-l'], '-l, -R and -0 need a REF'],
    [['ls', 'demo', '--filter', 'x'], 'for the list of images'],
    [['ls', 'demo', '-0l'], 'exclude each other'],
    [['ls', ''], 'the name is empty'],
  ])('%j is wrong usage', async (argv, message) => {
    const ended = await run([...argv, '--repo', oci.repo]);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain(message);
  });
});

describe.runIf(hasXattrs)('of an EROFS image', () => {
  let stored: StoredDirectory;
  const owner = `${process.getuid?.()}/${process.getgid?.()}`;
  const inRepo = (...argv: string[]): string[] => [...argv, '--repo', stored.repo];
  beforeAll(async () => {
    stored = await storeDirectory(path());
  });

  it('ls lists a directory by names, everything below it by paths, anything else by itself', async () => {
    expect(await ok(inRepo('ls', 'os'))).toBe('etc\nrun\nusr\n');
    expect(await ok(inRepo('ls', '-R', 'refs/os', '/usr'))).toBe('/usr/bin\n/usr/bin/tool\n/usr/bin/tool-link\n/usr/sh\n');
    expect(await ok(inRepo('ls', stored.id, 'usr/bin/tool'))).toBe('/usr/bin/tool\n');
    expect(await ok(inRepo('ls', 'os', '/run'))).toBe('');
  });

  it('ls -l tells type, mode, owner, size, time and target', async () => {
    expect(await ok(inRepo('ls', '-l', 'os', '/usr'))).toBe(
      [
        `drwxr-xr-x ${owner}          0 2001-09-09T01:46:40.5Z bin`,
        `lrwxrwxrwx ${owner}          8 2001-09-09T01:46:40.5Z sh -> bin/tool`,
        '',
      ].join('\n'),
    );
    expect(await ok(inRepo('ls', '-l', 'os', '/etc/fifo'))).toMatch(/^prw-/);
  });

  it('ls -0 prints names as they are', async () => {
    const { bytes } = await run(inRepo('ls', '-0', 'os', '/etc'));
    expect(Buffer.from(bytes).toString('latin1')).toBe('absolute\0fifo\0name with blanks\nand a line\0odd-\xff\0small\0');
  });

  it('ls --json has everything', async () => {
    const { entries } = (await json('ls', inRepo('ls', 'os', '/usr/bin'))) as { entries: object[] };
    const [uid, gid] = [process.getuid?.(), process.getgid?.()];
    const file = { type: 'file', mode: '0755', uid, gid, size: 200, mtime: '2001-09-09T01:46:40.5Z', object: LARGE_ID.sha512 };
    expect(entries).toEqual([
      { path: '/usr/bin/tool', ...file },
      { path: '/usr/bin/tool-link', ...file },
    ]);
  });

  it('cat prints objects and inline content, and follows links inside the image', async () => {
    for (const name of ['/usr/bin/tool', 'usr/bin/tool-link', '/usr/sh', '/etc/absolute', '/etc/../../usr/sh']) {
      expect(Buffer.from((await run(inRepo('cat', 'os', name))).bytes).equals(LARGE)).toBe(true);
    }
    expect(await ok(inRepo('cat', 'os', '/etc/small'))).toBe('small\n');
    await ok(inRepo('cat', 'os', '/usr/sh', '-o', 'copy'), { cwd: path() });
    expect((await readFile(path('copy'))).equals(LARGE)).toBe(true);
  });

  it.each([
    ['/nowhere', 'no such file or directory: /nowhere'],
    ['/usr', '/usr is no file but a directory'],
    ['/etc/fifo', '/etc/fifo is no file but a fifo'],
    ['/etc/small/x', 'wanted a directory, found a file: /etc/small/x'],
  ])('cat has nothing to print for %s', async (name, message) => {
    expect(await run(inRepo('cat', 'os', name))).toMatchObject({ code: 1, stdout: '', stderr: `cfskit: ${message}\n` });
  });

  it('cat fails on an object that is not what its id says, and leaves no file', async () => {
    const mine = await storeDirectory(path());
    const file = join(mine.repo, 'objects', LARGE_PATH.sha512);
    await rm(file);
    await writeFile(
      file,
      LARGE.map((byte) => byte ^ 1),
    );
    const ended = await run(['cat', 'os', '/usr/sh', '--repo', mine.repo, '-o', path('broken')]);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    await expect(readFile(path('broken'))).rejects.toThrow('ENOENT');
    await rm(file);
    expect((await run(['cat', 'os', '/usr/sh', '--repo', mine.repo])).stderr).toContain('no such object');
  });

  it('what is there under no name is told, with near names', async () => {
    const { code, error } = await failure(inRepo('ls', 'refs/oz'));
    expect({ code, error }).toMatchObject({ code: 1, error: { code: 'NOT_FOUND', detail: { candidates: ['refs/os'] } } });
    expect((await failure(inRepo('ls', './refs/os'))).error.message).toBe('no such file or directory: ./refs/os');
    expect((await failure(inRepo('ls', stored.root))).error.code).toBe('UNSUPPORTED');
    expect((await failure(inRepo('ls', join(stored.root, 'etc/small')))).error.message).toContain(
      'neither a composefs image nor a dumpfile',
    );
  });
});

describe.runIf(hasXattrs)('of an image file', () => {
  let stored: StoredDirectory;
  beforeAll(async () => {
    stored = await storeDirectory(path(), 'sha256');
    await ok(['mkcomposefs', '--digest-store=store', stored.root, 'image.cfs'], { cwd: path() });
    await ok(['create-dumpfile', '-q', '--no-repo', '--hash', 'sha256', stored.root, '-o', 'os.dump'], { cwd: path() });
  });

  it('and of a dumpfile ls needs no repository', async () => {
    expect(await ok(['ls', 'image.cfs', '/run'], { cwd: path() })).toBe('lock\n');
    expect(await ok(['ls', '--no-repo', './os.dump', '/usr'], { cwd: path() })).toBe('bin\nsh\n');
  });

  it('cat finds objects in the repository, or where --basedir says', async () => {
    expect(await ok(['cat', path('image.cfs'), '/usr/sh', '--repo', stored.repo])).toBe(new TextDecoder().decode(LARGE));
    expect(await ok(['cat', '--no-repo', 'image.cfs', '/usr/sh', '--basedir', 'store'], { cwd: path() })).toBe(
      new TextDecoder().decode(LARGE),
    );
    expect(await ok(['cat', '--no-repo', 'image.cfs', '/etc/small'], { cwd: path() })).toBe('small\n');
    expect((await run(['cat', '--no-repo', 'image.cfs', '/usr/sh'], { cwd: path() })).stderr).toContain('--basedir names their directory');
    const other = await storeDirectory(path());
    const { stderr } = await run(['cat', path('image.cfs'), '/usr/sh', '--repo', other.repo]);
    expect(stderr).toContain('is an object named by sha256, and the objects of the repository are named by sha512');
  });

  it('without a repository a stored name is explained', async () => {
    expect((await failure(['ls', '--no-repo', 'os'], { cwd: path() })).error.message).toContain('there is no repository to look in');
  });
});
