import { cpSync, chmodSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeImage } from '@cfskit/erofs';
import { parseDumpfile } from '@cfskit/fs-tree';
import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasXattrs, LARGE, setTimes } from './directory-fixture.ts';
import { document, failure, ok, run, scratch } from './harness.ts';
import { storeDirectory, type StoredDirectory } from './image-fixture.ts';
import { storeSample } from './stored-fixture.ts';

interface Diff {
  readonly a: object;
  readonly b: object;
  readonly only_in_a: object[];
  readonly only_in_b: object[];
  readonly differences: { path: string; field: string }[];
  readonly explanations: { code: string; text: string }[];
}

const path = scratch();

/** Compare and expect the exit code that says so; the answer is the JSON document. */
async function compare(a: string, b: string, ...argv: string[]): Promise<Diff> {
  const { code, stdout } = await run(['diff', '--json', '-q', a, b, ...argv], { cwd: path() });
  const result = document('diff', stdout) as Diff;
  const found = result.only_in_a.length + result.only_in_b.length + result.differences.length;
  expect(code).toBe(found === 0 ? 0 : 1);
  return result;
}

function codes({ explanations }: Diff): string[] {
  return explanations.map(({ code }) => code);
}

/** Write dumpfiles, or images of them. */
async function dump(name: string, ...lines: readonly string[]): Promise<string> {
  await writeFile(path(name), `${['/ 0 40755 3 0 0 0 5.0 - - -', ...lines].join('\n')}\n`);
  return `./${name}`;
}

async function image(name: string, options: Parameters<typeof writeImage>[1], ...lines: readonly string[]): Promise<string> {
  const file = await dump(`${name}.dump`, ...lines);
  await writeFile(path(name), writeImage(parseDumpfile(await readFile(path(file))), options));
  return `./${name}`;
}

const directory = (name: string): string => `${name} 0 40755 2 0 0 0 5.0 - - -`;
const file = (name: string, content = 'x'): string => `${name} ${content.length} 100644 1 0 0 0 5.0 - ${content} -`;
const fifo = (name: string, fields = '10644 1 0 0 0 5.0', xattrs = ''): string => `${name} 0 ${fields} - - -${xattrs}`;
/** `/a`, `/b` and so on with these times. */
const times = (...mtimes: readonly string[]): string[] => mtimes.map((mtime, at) => fifo(`/${'abc'[at]}`, `10644 1 0 0 0 ${mtime}`));

describe('lines', () => {
  it('tell each path and field, the first difference first, then why', async () => {
    const a = await dump(
      'a',
      directory('/d'),
      file('/d/only a'.replace(' ', '\\x20')),
      file('/f'),
      fifo('/p', '10644 1 0 0 0 5.0', ' user.a=1'),
    );
    const b = await dump('b', directory('/e'), file('/f', 'yy'), fifo('/p', '10600 1 7 0 0 5.0', ' user.a=- user.b=2'));
    const { code, stdout, stderr } = await run(['diff', a, b], { cwd: path() });
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    const lines = stdout.split('\n');
    expect(lines.slice(0, 10)).toEqual([
      '- /d',
      '- /d/only a',
      '+ /e',
      '~ /f: size 1 2',
      '~ /f: content x yy',
      '~ /p: mode 0644 0600',
      '~ /p: uid 0 7',
      '~ /p: xattr:user.a 1 \\x2d',
      '~ /p: xattr:user.b - 2',
      expect.stringMatching(/^# /),
    ]);
    expect(await ok(['diff', a, a], { cwd: path() })).toBe('');
  });

  it('leave out what is ignored', async () => {
    const [a, b] = [await dump('i', fifo('/p')), await dump('j', fifo('/p', '10600 1 0 0 0 6.0'))];
    expect((await run(['diff', a, b, '--ignore', 'mtime'], { cwd: path() })).stdout).toMatch(/^~ \/p: mode 0644 0600\n# Permissions/);
    expect(await run(['diff', a, b, '--ignore=mtime', '--ignore', 'mode'], { cwd: path() })).toMatchObject({ code: 0, stdout: '' });
    expect((await run(['diff', a, b, '--ignore', 'colour'], { cwd: path() })).code).toBe(2);
  });

  it('of JSON have names that are no UTF-8 in base64', async () => {
    const [a, b] = [await dump('k', fifo('/\\xff')), await dump('l', '/s 0 120777 1 0 0 0 5.0 \\xfe - -')];
    const { only_in_a: onlyInA, only_in_b: onlyInB } = await compare(a, b);
    expect(onlyInA).toEqual([{ path: '/\\xff', bytes: 'L/8=', type: 'fifo' }]);
    expect(onlyInB).toEqual([{ path: '/s', type: 'symlink' }]);
    const other = await dump('m', '/s 0 120777 1 0 0 0 5.0 \\xfd - -');
    expect((await compare(b, other)).differences).toEqual([
      { path: '/s', field: 'target', a: '\\xfe', a_bytes: '/g==', b: '\\xfd', b_bytes: '/Q==' },
    ]);
  });
});

describe('explanations', () => {
  const tree = [directory('/usr'), file('/usr/a'), file('/usr/b')];

  it('of formats', async () => {
    const [a, b] = [await image('v1', { version: 1 }, ...tree), await image('v2', { version: 2 }, ...tree)];
    const result = await compare(a, b);
    expect(result).toMatchObject({
      a: { kind: 'image-file', format: 1 },
      b: { format: 2 },
      differences: [{ path: '/', field: 'format', a: '1', b: '2' }],
    });
    expect(codes(result)).toEqual(['format']);
    expect(result.explanations[0]?.text).toContain('--erofs-version');
    expect(codes(await compare(a, b, '--ignore', 'format'))).toEqual([]);
  });

  it('of algorithms', async () => {
    const line = '/f 100 100644 1 0 0 0 5.0 - - ';
    const a = await image('sha256', {}, line + 'ab'.repeat(32));
    const result = await compare(a, await image('sha512', {}, line + 'ab'.repeat(64)));
    expect(result.differences).toEqual([{ path: '/', field: 'algorithm', a: 'sha256', b: 'sha512' }]);
    expect(codes(result)).toEqual(['algorithm', 'uncompared']);
  });

  it('of programs, where the trees are the same', async () => {
    const links = ['/a 1 100644 1 0 0 0 5.0 - x -', fifo('/b', '10644 3 0 0 0 5.0')];
    const [a, b] = [await image('rust', { profile: 'rs', version: 1 }, ...links), await image('c', { profile: 'c', version: 1 }, ...links)];
    expect((await failure(['diff', a, b], { cwd: path() })).error.code).toBe('LINK_COUNT'); // one that lies
    const acl = fifo('/b', '10644 1 0 0 0 5.0', ' system.posix_acl_access_x=1');
    const result = await compare(
      await image('rs', { profile: 'rs', version: 1 }, acl),
      await image('cc', { profile: 'c', version: 1 }, acl),
    );
    expect(result.differences).toMatchObject([{ path: '/', field: 'bytes' }]);
    expect(codes(result)).toEqual(['writer']);
    expect(result.explanations[0]?.text).toContain(
      'from offset 8 on. A is what composefs-rs and this program write. B is what mkcomposefs writes.',
    );
  });

  it('of bytes that nobody writes', async () => {
    const a = await image('sound', { version: 1 }, ...tree);
    const bytes = await readFile(path('sound'));
    bytes[40] = 1; // between the two headers
    await writeFile(path('odd'), bytes);
    const { explanations } = await compare(a, './odd');
    expect(explanations[0]?.text).toContain(
      'from offset 40 on. A is what composefs-rs and mkcomposefs write. B is not what a known program writes',
    );
    expect(await compare(a, './odd', '--ignore', 'bytes')).toMatchObject({ differences: [], explanations: [] });
  });

  it.each<[string, string[], string[], string, string]>([
    ['times that are all the epoch', times('7.0', '8.0'), times('0.0', '0.0'), 'mtime', 'those of B are all 1970-01-01'],
    ['times without fractions', times('7.5', '8.5'), times('7.0', '8.0'), 'mtime', 'Times of B have no fractions'],
    [
      'times that are all one',
      times('10.0', '11.0', '12.0'),
      times('9.0', '9.0', '9.0'),
      'mtime',
      'those of B are all 1970-01-01T00:00:09Z',
    ],
    ['times of all kinds', times('7.0', '8.0'), times('9.0', '3.0'), 'mtime', 'cp -a'],
    [
      'owners that are all one',
      [fifo('/a'), fifo('/b')],
      [fifo('/a', '10644 1 1000 1000 0 5.0'), fifo('/b', '10644 1 1000 1000 0 5.0')],
      'owners',
      'everything in B belongs to 1000:1000',
    ],
    [
      'owners of all kinds',
      [fifo('/a', '10644 1 4 0 0 5.0'), fifo('/b')],
      [fifo('/a', '10644 1 1 0 0 5.0'), fifo('/b', '10644 1 2 0 0 5.0')],
      'owners',
      '--numeric-owner',
    ],
    ['set-uid bits that are gone', [fifo('/a', '14755 1 0 0 0 5.0')], [fifo('/a', '10755 1 0 0 0 5.0')], 'modes', 'B only lacks set-uid'],
    [
      'a umask',
      [fifo('/a', '10640 1 0 0 0 5.0'), fifo('/b', '10600 1 0 0 0 5.0')],
      [fifo('/a', '10666 1 0 0 0 5.0'), fifo('/b', '10622 1 0 0 0 5.0')],
      'modes',
      'A only lacks bits of group and others',
    ],
    ['other permissions', [fifo('/a', '10644 1 0 0 0 5.0')], [fifo('/a', '10700 1 0 0 0 5.0')], 'modes', 'Permissions differ at 1 path.'],
    ['user attributes', [fifo('/a', undefined, ' user.x=1')], [fifo('/a')], 'xattrs', 'Only A has user.x. --xattrs keep-user-xattrs'],
    [
      'attributes of a machine',
      [fifo('/a')],
      [fifo('/a', undefined, ' security.selinux=x')],
      'xattrs',
      'Only B has security.selinux, which no image of layers keeps',
    ],
    ['capabilities', [fifo('/a', undefined, ' security.capability=x')], [fifo('/a')], 'xattrs', 'file capabilities get lost'],
    [
      'values of attributes',
      [fifo('/a', undefined, ' user.x=1')],
      [fifo('/a', undefined, ' user.x=2')],
      'xattrs',
      'Values of user.x differ',
    ],
    ['hard links', [file('/a'), '/b 0 @120000 - - - - 0.0 /a - -'], [file('/a'), file('/b')], 'hard-links', '--hardlinks'],
    [
      'where contents are',
      [file('/a')],
      ['/a 1 100644 1 0 0 0 5.0 - - bf19b9fd2fd83a3e0dd8a6fd7bd5bb1a3bbbb5fe8ed3cb1d5af4c4c4ab0fd6b7'],
      'storage',
      'In the image on one side, objects on the other: 1 file',
    ],
    [
      'how objects are named',
      [`/a 9 100644 1 0 0 0 5.0 - - ${'ab'.repeat(32)}`],
      [`/a 9 100644 1 0 0 0 5.0 x/y - ${'ab'.repeat(32)}`],
      'storage',
      'Objects named in another way',
    ],
    [
      'other things',
      [fifo('/a'), file('/b')],
      [file('/a', '-'.replace('-', 'z')), file('/b', 'y')],
      'contents',
      'Another type, content or target: 2 paths',
    ],
    ['other paths', [fifo('/a')], [fifo('/b')], 'paths', 'Only in A: 1 path.'],
  ])('of %s', async (name, linesOfA, linesOfB, code, text) => {
    const result = await compare(await dump(`${name} a`, ...linesOfA), await dump(`${name} b`, ...linesOfB));
    expect(result.explanations.find((explanation) => explanation.code === code)?.text).toContain(text);
  });

  it('of trees of layers and trees as they are', async () => {
    const raw = ['/run 0 40755 2 0 0 0 6.0 - - -', fifo('/run/x'), '/usr 0 40700 2 3 0 0 9.0 - - -'];
    const layers = path('layers');
    await writeFile(layers, `/ 0 40700 3 3 0 0 9.0 - - -\n/run 0 40755 2 0 0 0 9.0 - - -\n${raw[2]}\n`);
    const result = await compare(await dump('raw', ...raw), './layers');
    expect(codes(result)).toEqual(['transform']);
    expect(result.explanations[0]?.text).toContain(
      'B was made like an image of layers (its root has the metadata of /usr, its /run is empty), A was taken as it is',
    );
  });
});

it('an empty /run alone tells as much', async () => {
  const usr = '/usr 0 40755 2 0 0 0 5.0 - - -';
  const a = await dump('run a', '/run 0 40755 2 0 0 0 6.0 - - -', usr);
  const result = await compare(a, await dump('run b', '/run 0 40755 2 0 0 0 5.0 - - -', fifo('/run/x'), usr));
  expect(result.explanations.map(({ text }) => text)).toEqual([
    expect.stringContaining('A was made like an image of layers (its /run is empty), B'),
  ]);
});

describe.runIf(hasXattrs)('directories', () => {
  let stored: StoredDirectory;
  beforeAll(async () => {
    stored = await storeDirectory(path());
  });
  const inRepo = (): string[] => ['--repo', stored.repo];

  it('are read as the image was made, with its algorithm', async () => {
    expect(await compare('os', stored.root, ...inRepo())).toMatchObject({
      a: { kind: 'image', image_id: stored.id },
      b: { kind: 'directory' },
      differences: [],
    });
    expect(await compare(stored.root, 'refs/os', ...inRepo())).toMatchObject({ differences: [], explanations: [] });
    expect(codes(await compare('os', stored.root, '--xattrs', 'keep-user-xattrs', ...inRepo()))).toEqual(['xattrs']);
    expect(codes(await compare('os', stored.root, '--no-propagate-usr-to-root', ...inRepo()))).toContain('transform');
  });

  it('are compared with each other as they are', async () => {
    const copy = path('copy');
    execFileSync('cp', ['-a', stored.root, copy]);
    expect(await compare(stored.root, copy, '--no-repo')).toMatchObject({ only_in_a: [], only_in_b: [], differences: [] });
    rmSync(join(copy, 'usr/bin/tool-link'));
    cpSync(join(copy, 'usr/bin/tool'), join(copy, 'usr/bin/tool-link'));
    chmodSync(join(copy, 'usr/bin/tool'), 0o700);
    writeFileSync(join(copy, 'usr/bin/other'), LARGE);
    setTimes(copy);
    const result = await compare(stored.root, copy, '--no-repo');
    expect(result.only_in_b).toEqual([{ path: '/usr/bin/other', type: 'file' }]);
    expect(result.differences.map(({ path: name, field }) => [name, field])).toEqual([
      ['/usr/bin/tool', 'mode'],
      ['/usr/bin/tool-link', 'hard-link'],
    ]);
    expect(codes(result)).toEqual(['hard-links', 'modes', 'paths']);
  });

  it('of another algorithm are compared by contents that are in the repository', async () => {
    const other = await storeDirectory(path(), 'sha256');
    await ok(['mkcomposefs', '--min-version=1', '--hardlinks', other.root, 'raw.cfs'], { cwd: path() });
    const { differences, explanations } = await compare('os', './raw.cfs', '--repo', stored.repo);
    expect(differences.map(({ field }) => field)).not.toContain('content');
    expect(explanations.map(({ code }) => code)).toEqual(['algorithm', 'transform', 'xattrs']);
    const empty = path('empty repository');
    await ok(['init', '--insecure', empty]);
    await ok(['import-image', '-q', 'os', '--repo', empty, '-i', join(stored.repo, 'images', stored.id)]);
    const { stdout, stderr } = await run(['diff', '--json', 'os', './raw.cfs', '--repo', empty], { cwd: path() });
    expect(codes(document('diff', stdout) as Diff)).toContain('uncompared');
    expect(stderr).toContain('cfskit: warning: not all contents can be compared: ');
  });

  it('without /usr are compared with images as they are', async () => {
    const plain = path('plain');
    mkdirSync(plain);
    symlinkSync('x', join(plain, 'link'));
    linkSync(join(plain, 'link'), join(plain, 'link2'));
    setTimes(plain);
    await ok(['mkcomposefs', '--hardlinks', '--min-version=1', 'plain', 'plain.cfs'], { cwd: path() });
    expect(await compare('./plain.cfs', './plain', '--no-repo')).toMatchObject({ differences: [] });
  });
});

it('an OCI image is its EROFS image, or the tree of its layers', async () => {
  const { repo } = await storeSample(path());
  expect(await compare('demo', 'stored:demo', '--repo', repo)).toMatchObject({ a: { kind: 'oci-image', format: 1 }, differences: [] });
});

it.each([
  [['diff', 'x'], 2, 'missing B'],
  [['diff', '', ''], 2, 'the name is empty'],
  [['diff', '--no-repo', './none', './none'], 1, 'no such file or directory: ./none'],
  [['diff', '--no-repo', 'none', 'none'], 1, 'there is no repository to look in'],
])('%j fails', async (argv, code, message) => {
  const ended = await failure(argv, { cwd: path() });
  expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: '' });
  expect(ended.error.message).toContain(message);
});
