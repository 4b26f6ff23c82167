import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeImage } from '@cfskit/erofs';
import { Directory, EPOCH, NO_XATTRS, parseDumpfile } from '@cfskit/fs-tree';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasXattrs, LARGE_ID, LARGE_PATH } from './directory-fixture.ts';
import { failure, json, ok, run, scratch } from './harness.ts';
import { storeDirectory, type StoredDirectory } from './image-fixture.ts';

const path = scratch();
let stored: StoredDirectory;
const inRepo = (...argv: string[]): string[] => [...argv, '--repo', stored.repo];
beforeAll(async () => {
  if (hasXattrs) stored = await storeDirectory(path());
});

describe.runIf(hasXattrs)('image-objects', () => {
  it.each(['os', 'refs/os', 'ref/os'])('lists the objects of %s', async (name) => {
    expect(await ok(inRepo('image-objects', name))).toBe(`sha512:${LARGE_ID.sha512}\n`);
  });

  it('takes ids, whole, with the algorithm, or their first digits', async () => {
    for (const name of [stored.id, `sha512:${stored.id}`, stored.id.slice(0, 12), stored.id.toUpperCase()]) {
      expect(await json('image-objects', inRepo('image-objects', name))).toEqual({ object_ids: [LARGE_ID.sha512] });
    }
  });

  it('knows near names', async () => {
    const { code, error } = await failure(inRepo('image-objects', 'oss'));
    expect({ code, error }).toMatchObject({
      code: 1,
      error: { code: 'NOT_FOUND', message: 'image not found: oss', detail: { candidates: ['os'] } },
    });
    expect((await failure(inRepo('image-objects', '0'.repeat(128)))).error.code).toBe('NOT_FOUND');
  });

  it('lists those that several digits may mean', async () => {
    await ok(['create-image', '-q', '--erofs-version', '2', '--repo', stored.repo, stored.root]);
    const ended = await failure(inRepo('image-objects', 'refs/../x'));
    expect(ended).toMatchObject({ code: 2, error: { code: 'USAGE' } });
    expect((await failure(inRepo('image-objects', 'sha512:00'))).code).toBe(2);
    expect((await failure(inRepo('image-objects', ''))).code).toBe(2);
  });

  it('refuses a damaged image', async () => {
    const mine = await storeDirectory(path());
    const file = join(mine.repo, 'images', mine.id);
    const bytes = await readFile(file);
    await writeFile(file, bytes.fill(1, 2000, 2001));
    for (const command of [
      ['image-objects', 'os'],
      ['ls', 'os'],
      ['dump-files', 'os', '/usr'],
      ['diff', 'os', mine.root],
    ]) {
      const { code, error } = await failure([...command, '--repo', mine.repo]);
      expect({ code, errorCode: error.code }).toEqual({ code: 1, errorCode: 'CORRUPT_OBJECT' });
    }
    expect((await run(['cat', 'os', '/etc/small', '--repo', mine.repo])).stderr).toContain('fs-verity content mismatch');
    expect(await run(['fsck', '-q', '--repo', mine.repo])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('objects: 1/2 ok') as unknown,
    });
    expect((await failure(['gc', '--repo', mine.repo])).error.code).toBe('CORRUPT_OBJECT');
  });
});

describe.runIf(hasXattrs)('dump-files', () => {
  it('prints dump lines: of a directory its own and those of its entries', async () => {
    const lines = (await ok(inRepo('dump-files', 'os', '/usr', 'usr/sh'))).split('\n');
    expect(lines.map((line) => line.split(' ').at(0))).toEqual(['/usr', '/usr/bin', '/usr/sh', '/usr/sh', '']);
    expect(lines[2]).toContain(' 120777 ');
  });

  it('prints where contents are', async () => {
    const argv = inRepo('dump-files', '--backing-path-only', 'os', '/usr/bin/tool', '/etc/small', '/usr/bin', '/usr/sh');
    expect(await ok(argv)).toBe(
      [
        `/usr/bin/tool ${LARGE_PATH.sha512}`,
        '/etc/small inline',
        `/usr/bin/tool ${LARGE_PATH.sha512}`,
        `/usr/bin/tool-link ${LARGE_PATH.sha512}`,
        '/usr/sh inline',
        '',
      ].join('\n'),
    );
  });

  it('has the same as JSON, names that are no UTF-8 in base64', async () => {
    expect(await json('dump-files', inRepo('dump-files', 'os', '/usr/bin/tool', '/etc'))).toEqual({
      files: [
        { path: '/usr/bin/tool', inline: false, object: LARGE_ID.sha512 },
        { path: '/etc/absolute', inline: true },
        { path: '/etc/fifo', inline: true },
        { path: '/etc/name with blanks\nand a line', inline: true },
        { path: String.raw`/etc/odd-\xff`, bytes: Buffer.from([...Buffer.from('/etc/odd-'), 0xff]).toString('base64'), inline: true },
        { path: '/etc/small', inline: true },
      ],
    });
  });

  it.each([
    ['/nowhere', 'NOT_FOUND'],
    ['/usr/sh/x', 'NOT_A_DIRECTORY'],
    ['/usr/../etc', 'INVALID_PATH'],
  ])('knows no %s', async (name, code) => {
    const { error, stdout } = await failure(inRepo('dump-files', 'os', '/usr', name));
    expect({ code: error.code, stdout }).toEqual({ code, stdout: '' });
  });

  it('wants a path', async () => {
    expect((await run(inRepo('dump-files', 'os'))).stderr).toContain('missing PATH...');
  });
});

const DUMP = `/ 0 40755 3 0 0 0 0.0 - - -\n/usr 0 40755 2 0 0 0 0.0 - - -\n/usr/x 5000 100644 1 0 0 0 0.0 - - ${'ab'.repeat(64)}\n`;

function imageOf(dump: string): Uint8Array {
  return writeImage(parseDumpfile(new TextEncoder().encode(dump)));
}

describe('import-image', () => {
  let repo = '';
  beforeAll(async () => {
    repo = path('imports');
    await ok(['init', '--insecure', repo]);
  });

  it('stores what it reads under its id and name, and tells which objects are not there', async () => {
    const image = imageOf(DUMP);
    const { code, stdout, stderr } = await run(['import-image', 'first', '--repo', repo], {
      stdin: [image.subarray(0, 3000), image.subarray(3000)],
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^sha512:[0-9a-f]{128}\n$/);
    expect(stderr).toBe('cfskit: warning: 1 of the 1 objects of this image are not in the repository\n');
    await writeFile(path('image.cfs'), image);
    const result = await json('import-image', ['import-image', '-q', '-i', 'image.cfs', 'second', '--repo', repo], { cwd: path() });
    expect(result).toEqual({ image_id: stdout.trimEnd().slice('sha512:'.length), name: 'second' });
    expect(await ok(['ls', '--repo', repo, 'second', '/usr'])).toBe('x\n');
  });

  it('stores nothing that is no image, or has digests of another algorithm', async () => {
    const before = await ok(['images', '--repo', repo]);
    const sound = imageOf(DUMP);
    const broken = sound.slice();
    broken[1152 + 5] = 0; // the type of the root
    const other = imageOf(DUMP.replace('ab'.repeat(64), 'ab'.repeat(32)));
    const cases: [Uint8Array, string][] = [
      [new Uint8Array(0), 'TRUNCATED'],
      [new TextEncoder().encode(DUMP.padEnd(5000)), 'NOT_AN_IMAGE'],
      [broken, 'INVALID_INODE'],
      [sound.subarray(0, 8192), 'TRUNCATED'],
      [other, 'INVALID_DIGEST'],
    ];
    for (const [bytes, code] of cases) {
      const ended = await failure(['import-image', 'bad', '--repo', repo], { stdin: [bytes] });
      expect({ code: ended.code, error: ended.error.code }).toEqual({ code: 1, error: code });
      expect(ended.error.message).toBe('standard input is no image that can be imported');
    }
    expect(await ok(['images', '--repo', repo])).toBe(before);
  });

  it('looks away with --unchecked', async () => {
    expect(await run(['import-image', '--unchecked', 'odd', '--repo', repo], { stdin: [new Uint8Array(10)] })).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect((await failure(['ls', 'odd', '--repo', repo])).error.code).toBe('TRUNCATED');
  });

  it('refuses bad names, and terminals', async () => {
    expect((await run(['import-image', '../up', '--repo', repo])).code).toBe(2);
    expect((await run(['import-image', 'x', '--repo', repo], { stdinIsTerminal: true })).stderr).toContain(
      'refusing to read an image from a terminal',
    );
  });

  it('leaves nothing to be collected while there is an image that cannot be read', async () => {
    const { code, error } = await failure(['gc', '--repo', repo]);
    expect({ code, message: error.message }).toEqual({
      code: 1,
      message: expect.stringContaining('Collecting objects for image') as unknown,
    });
    expect(await run(['fsck', '-q', '--repo', repo])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('image-invalid') as unknown,
    });
  });
});

it('an image of nothing but a root can be stored', async () => {
  const repo = path('bare');
  await ok(['init', '--insecure', repo]);
  const bare = writeImage(new Directory({ mode: 0o755, uid: 0, gid: 0, mtime: EPOCH, xattrs: NO_XATTRS }));
  await ok(['import-image', 'bare', '--repo', repo], { stdin: [bare] });
  expect(await ok(['image-objects', 'bare', '--repo', repo])).toBe('');
  expect(await ok(['ls', 'bare', '--repo', repo])).toBe('');
  expect(await ok(['gc', '--repo', repo])).toBe('Objects: 0 removed (0 bytes)\n');
});
