import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fsVerityDigest } from '@cfskit/fs-verity';
import { beforeAll, describe, expect, it } from 'vitest';
import { classicProgram } from '../src/program.ts';
import { runProgram } from '@cfskit/cli-kit';
import { memoryWorld } from '@cfskit/cli-kit/testing';
import { hasXattrs, LARGE, LARGE_PATH, makeRoot } from './directory-fixture.ts';
import { ok, run, scratch } from './harness.ts';

interface Vector {
  readonly name: string;
  readonly digests: Readonly<Record<string, string>>;
  readonly dump?: string;
}

const VECTORS = JSON.parse(readFileSync(new URL('./vectors/mkcomposefs.json', import.meta.url), 'utf8')) as Vector[];
const VERSIONS: Readonly<Record<string, readonly string[]>> = {
  min0_max1: [],
  min0_max0: ['--min-version=0', '--max-version=0'],
  min1_max1: ['--min-version=1', '--max-version=1'],
};
const path = scratch();
const dumpOf = (name: string): Uint8Array => readFileSync(new URL(`./vectors/${name}.dump`, import.meta.url));

describe.each(VECTORS)('$name', ({ name, digests, dump }) => {
  it('has the digests of mkcomposefs', async () => {
    for (const [versions, digest] of Object.entries(digests)) {
      const argv = ['mkcomposefs', '--from-file', '--print-digest-only', ...(VERSIONS[versions] ?? []), '-'];
      expect(await ok(argv, { stdin: [dumpOf(name)] })).toBe(`${digest}\n`);
    }
  });

  it.runIf(dump !== undefined)('is dumped as composefs-info does', async () => {
    const { bytes } = await run(['mkcomposefs', '--from-file', '-', '-'], { stdin: [dumpOf(name)] });
    await writeFile(path('image.cfs'), bytes);
    const { bytes: text } = await run(['composefs-info', 'dump', path('image.cfs')]);
    expect(createHash('sha256').update(text).digest('hex')).toBe(dump);
  });
});

const DUMP = `/ 0 40755 3 0 0 0 0.0 - - -
/a\\x20b 0 40755 3 0 0 0 0.0 - - -
/a\\x20b/file 500 100644 1 0 0 0 0.0 some/where - ${'ab'.repeat(32)}
/link 0 120777 1 0 0 0 0.0 to\\x20there - -
/two 0 @120000 - - - - 0.0 /a\\x20b/file - -
/zz 500 100644 1 0 0 0 0.0 cd/${'ef'.repeat(31)} - cd${'ef'.repeat(31)}
`;

const info = (...argv: string[]): Promise<string> => ok(['composefs-info', ...argv], { cwd: path() });

describe('composefs-info', () => {
  beforeAll(async () => {
    await writeFile(path('dump'), DUMP);
    await ok(['mkcomposefs', '--from-file', 'dump', 'info.cfs'], { cwd: path() });
  });

  it('ls lists files with what is behind them', async () => {
    const object = `cd/${'ef'.repeat(31)}`;
    expect(await info('ls', 'info.cfs')).toBe(
      `/a b/\t\n/a b/file\t@ some/where\n/link\t-> to\\x20there\n/two\t@ some/where\n/zz\t@ ${object}\n`,
    );
    expect(await info('ls', '--filter=link', 'info.cfs', '--filter', 'a b')).toBe(
      '/a b/\t\n/a b/file\t@ some/where\n/link\t-> to\\x20there\n',
    );
  });

  it('dump honours filters', async () => {
    const lines = (await info('--filter', 'zz', 'dump', 'info.cfs')).trimEnd().split('\n');
    expect(lines.map((line) => line.split(' ').at(0))).toEqual(['/', '/zz']);
  });

  it('lists objects, of several images together, and those that are missing', async () => {
    const all = `cd/${'ef'.repeat(31)}\nsome/where\n`;
    expect(await info('objects', 'info.cfs', 'info.cfs')).toBe(all);
    expect(await info('missing-objects', 'info.cfs')).toBe(all);
    await mkdir(path('base/some'), { recursive: true });
    await writeFile(path('base/some/where'), '');
    expect(await info('missing-objects', 'info.cfs', '--basedir', 'base')).toBe(`cd/${'ef'.repeat(31)}\n`);
    expect((await run(['composefs-info', 'missing-objects', 'info.cfs', '--basedir', 'none'], { cwd: path() })).code).toBe(1);
  });

  it('measures files', async () => {
    expect(await info('measure-file', 'dump', 'info.cfs')).toBe(
      ['dump', 'info.cfs'].map((name) => `${fsVerityDigest(readFileSync(path(name)), 'sha256')}\n`).join(''),
    );
  });

  it.each([
    [['composefs-info'], 2, 'missing COMMAND'],
    [['composefs-info', 'ls'], 2, 'missing IMAGE...'],
    [['composefs-info', 'list', 'x'], 2, "unknown command 'list'; wanted ls, dump, objects, missing-objects, measure-file"],
    [['composefs-info', 'ls', 'x', '--filter', 'a/b'], 2, 'single name'],
    [['composefs-info', 'ls', '--json', 'x'], 2, 'no JSON form'],
    [['composefs-info', 'ls', '/nonexistent'], 1, 'ENOENT'],
    [['composefs-info', 'dump', '/dev/null'], 1, 'image of 0 bytes'],
  ])('%j fails', async (argv, code, message) => {
    const ended = await run(argv, { cwd: path() });
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toContain(message);
  });
});

describe.runIf(hasXattrs)('mkcomposefs of a directory', () => {
  let root = '';
  beforeAll(async () => {
    root = path('root');
    await mkdir(root);
    makeRoot(root);
  });
  const lines = async (...argv: string[]): Promise<string[]> => {
    await ok(['mkcomposefs', ...argv, root, 'root.cfs'], { cwd: path() });
    return (await ok(['composefs-info', 'dump', 'root.cfs'], { cwd: path() })).trimEnd().split('\n');
  };

  it('takes it as it is, with every name a file of its own', async () => {
    const all = await lines();
    expect(all.some((line) => line.startsWith('/run/lock '))).toBe(true);
    expect(all.find((line) => line.startsWith('/usr/bin/tool-link '))).toMatch(/^\/usr\/bin\/tool-link 200 100755 1 /);
    expect(all.find((line) => line.startsWith('/etc/small '))).toMatch(/ small\\n - user\.note=kept\?$/);
    expect((await lines('--hardlinks')).find((line) => line.startsWith('/usr/bin/tool-link '))).toContain(' @100755 2 ');
  });

  it('leaves out what it is told to', async () => {
    expect((await lines('--use-epoch')).filter((line) => !/ 0\.0 /.test(line))).toEqual([]);
    expect((await lines('--skip-xattrs')).join('\n')).not.toContain('user.note');
    expect((await lines('--user-xattrs')).join('\n')).toContain('user.note');
  });

  it('copies files to a digest store, once', async () => {
    await ok(['mkcomposefs', '--digest-store', 'store', '--threads=1', root, 'root.cfs'], { cwd: path() });
    const object = path('store', LARGE_PATH.sha256);
    expect((await readFile(object)).equals(LARGE)).toBe(true);
    const { ino } = await stat(object);
    await ok(['mkcomposefs', '--digest-store', 'store', '--threads', '3', root, 'root.cfs'], { cwd: path() });
    expect((await stat(object)).ino).toBe(ino);
    expect(await ok(['composefs-info', 'missing-objects', '--basedir=store', 'root.cfs'], { cwd: path() })).toBe('');
  });

  it('prints the digest after the image, and shows no progress', async () => {
    const { bytes, stderr } = await run(['mkcomposefs', '--print-digest', root, '-']);
    const digest = new TextDecoder().decode(bytes.subarray(-65));
    expect(stderr).toBe('');
    expect(digest).toBe(`${fsVerityDigest(bytes.subarray(0, -65), 'sha256')}\n`);
  });

  it('writes to a file that somebody else has opened', async () => {
    const fd = openSync(path('opened'), 'w');
    try {
      await ok(['mkcomposefs', root, `/proc/self/fd/${fd}`]);
    } finally {
      closeSync(fd);
    }
    expect((await readFile(path('opened'))).byteLength % 4096).toBe(0);
    expect((await stat(path('opened'))).size).toBeGreaterThan(0);
  });
});

it.each([
  [['mkcomposefs'], 2, 'missing SOURCE'],
  [['mkcomposefs', '.'], 2, 'missing IMAGE'],
  [['mkcomposefs', '.', 'x', '--print-digest-only'], 2, 'writes no IMAGE'],
  [['mkcomposefs', '', 'x'], 2, 'a path is empty'],
  [['mkcomposefs', '.', 'x', '--min-version=2'], 2, 'whole number from 0 to 1'],
  [['mkcomposefs', '.', 'x', '--skip-xattrs', '--user-xattrs'], 2, 'exclude each other'],
  [['mkcomposefs', '--from-file', 'nonexistent', 'x'], 1, 'ENOENT'],
  [['mkcomposefs', '--from-file', '-', 'x'], 1, 'the dumpfile is empty'],
])('%j fails', async (argv, code, message) => {
  const ended = await run(argv, { cwd: path() });
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(ended.stderr).toContain(message);
  await expect(stat(join(path(), 'x'))).rejects.toThrow('ENOENT');
});

it('an image is not written to a terminal', async () => {
  expect(await run(['mkcomposefs', '--from-file', '-', '-'], { stdoutIsTerminal: true })).toMatchObject({ code: 2, stdout: '' });
});

describe('programs of their own', () => {
  it.each(['mkcomposefs', 'composefs-info', 'mount.composefs'])('%s has its help and its version', async (name) => {
    const program = classicProgram(name)!;
    const page = memoryWorld();
    expect(await runProgram(program, ['--help'], page.world)).toBe(0);
    expect(page.stdout()).toContain(`Usage: ${name} [OPTIONS] `);
    const version = memoryWorld();
    expect(await runProgram(program, ['--version'], version.world)).toBe(0);
    expect(version.stdout()).toBe(`${name} ${program.version}\n`);
    const usage = memoryWorld();
    expect(await runProgram(program, ['--no-such-option'], usage.world)).toBe(2);
    expect(usage.stderr()).toMatch(/^([a-z.-]+): unknown option '--no-such-option'.*\nTry '\1 --help'\.\n$/);
  });

  it('and none of other names', () => {
    expect(classicProgram('cfskit')).toBeUndefined();
    expect(classicProgram('toString')).toBeUndefined();
  });
});
