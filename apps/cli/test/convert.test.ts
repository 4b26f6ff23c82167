import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { image, layoutFiles, tar, tarLayer, writeLayout, type TarEntry } from '@cfskit/fixtures';
import { fsVerityDigest, objectPath } from '@cfskit/fs-verity';
import { startTestRegistry, type TestRegistry } from '@cfskit/registry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failure, json, ok, run, scratch } from './harness.ts';
import { contentOf, putImage } from './registry-fixture.ts';
import { hasProgram } from './spawn-cli.ts';

const path = scratch();
const isRoot = process.getuid?.() === 0;
const OWNER = isRoot ? {} : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const LARGE = new Uint8Array(100_000).map((_, i) => i * 7);
const own = (entry: TarEntry): TarEntry => ({ ...OWNER, mtime: 1_600_000_000, ...entry });

/** Links, a whiteout, an opaque directory, a FIFO and a file that is an object. */
const layers = [
  [
    { path: 'usr/', type: 'dir', mode: 0o711 },
    { path: 'usr/tool', content: LARGE, mode: 0o4755 },
    { path: 'usr/link', type: 'hardlink', target: 'usr/tool' },
    { path: 'etc/', type: 'dir' },
    { path: 'etc/gone', content: 'x' },
    { path: 'var/', type: 'dir' },
    { path: 'var/old', content: 'x' },
  ],
  [
    { path: 'etc/', type: 'dir' },
    { path: 'etc/.wh.gone' },
    { path: 'etc/fifo', type: 'fifo' },
    { path: 'var/', type: 'dir' },
    { path: 'var/.wh..wh..opq' },
    { path: 'var/new', content: 'new' },
    { path: 'usr/sh', type: 'symlink', target: 'tool' },
  ],
].map((entries) => tar((entries as readonly TarEntry[]).map(own)));
const sample = image({ layers: [tarLayer(layers.at(0)!, 'gzip'), tarLayer(layers.at(1)!, 'zstd')] });
const TREE = ['etc', 'etc/fifo', 'usr', 'usr/link', 'usr/sh', 'usr/tool', 'var', 'var/new'];
const NOTHING = { owners_skipped: 0, xattrs_skipped: 0, devices_skipped: 0, links_copied: 0, times_rounded: 0, links_dropped: 0 };
/** mksquashfs 4.5 gives the root to whoever runs it, which is counted; later ones do not. */
const SQUASHFS = process.getuid?.() === 0 ? NOTHING : { ...NOTHING, owners_skipped: expect.toBeOneOf([0, 1]) as number };
const SOURCE = ['oci:layout:v1'] as const;
const PLATFORM = '--platform=linux/amd64';
let registry: TestRegistry;
beforeAll(async () => {
  registry = await startTestRegistry();
  putImage(registry, 'team/app', sample, 'v1');
  await writeLayout(path('layout'), layoutFiles([{ image: sample, tag: 'v1' }]));
});
afterAll(() => registry.close());
const world = (): object => ({ cwd: path(), env: { HOME: path('home'), XDG_RUNTIME_DIR: path('run') } });
const convert = (destination: string, ...options: string[]): string[] => ['convert', ...SOURCE, destination, PLATFORM, '-q', ...options];
const below = (directory: string): string[] => readdirSync(directory, { recursive: true }).map(String).toSorted();
/** The image says nothing about the time of its root. */
const sameAs = async (reference: string, ...subject: string[]): Promise<void> => {
  const { stdout } = await run(['verify', ...subject, '--reference', reference, '--compare=mtime', '--compare=links'], world());
  expect(stdout).toMatch(/^(~ \.: mtime: .*\n)?$/);
};

describe('convert', () => {
  it('unpacks into a directory, as GNU tar unpacks the tar', async () => {
    // The image has no entry for its root, which then is root's: an ordinary user may not give it away.
    const report = { ...NOTHING, owners_skipped: isRoot ? 0 : 1 };
    expect(await json('convert', convert('dir:tree'), world())).toEqual({ dest: 'dir:tree', bytes: LARGE.length + 3, report });
    expect(below(path('tree'))).toEqual(TREE);
    const { bytes, digest } = (await json('convert', convert('tar:out.tar'), world())) as { bytes: number; digest: string };
    expect([bytes, digest]).toEqual([readFileSync(path('out.tar')).length, `sha256:${sha256Of(path('out.tar'))}`]);
    mkdirSync(path('untarred'));
    output('tar', '-xpf', path('out.tar'), '-C', path('untarred'), '--delay-directory-restore');
    await sameAs(path('tree'), '--dir', path('untarred'));
    await sameAs(path('tree'), '--tar', path('out.tar'));
  });

  it('writes a tar to standard output, and says nothing else there', async () => {
    await ok(convert('tar:to-file.tar'), world());
    const { bytes, code } = await run(convert('tar:-'), world());
    expect(code).toBe(0);
    expect(Buffer.from(bytes).equals(readFileSync(path('to-file.tar')))).toBe(true);
    expect((await run(convert('tar:-', '--json'), world())).stderr).toContain('--json and data on standard output at once');
    expect((await run(convert('tar:-'), { ...world(), stdoutIsTerminal: true })).code).toBe(2);
    expect(await run(convert('tar:-'), { ...world(), stdoutLimit: 1000 })).toMatchObject({ code: 1, stderr: '' });
  });

  it('sorts a tar, so that the cut into layers leaves no trace', async () => {
    await ok(convert('tar:sorted.tar', '--order=sorted'), world());
    const names = execFileSync('tar', ['-tf', path('sorted.tar')], { encoding: 'utf8' })
      .trim()
      .split('\n');
    expect(names.map((name) => name.replace(/\/$/, ''))).toEqual(expect.arrayContaining(TREE));
    expect(names).toEqual(names.toSorted());
  });

  it.runIf(hasProgram('mksquashfs', '-version'))('makes a squashfs image, the same bytes twice', async () => {
    await ok(convert('dir:for-squashfs'), world());
    const first = await json('convert', convert('squashfs:one.squashfs', '--reproducible'), world());
    const again = await json('convert', convert('squashfs:two.squashfs', '--reproducible'), world());
    expect(first).toEqual({ ...(again as object), dest: 'squashfs:one.squashfs' });
    expect(first).toMatchObject({ report: SQUASHFS });
    await sameAs(path('for-squashfs'), '--squashfs', path('one.squashfs'));
    output('unsquashfs', '-q', '-n', '-d', path('unsquashed'), path('one.squashfs'));
    expect(below(path('unsquashed'))).toEqual(TREE);
  });

  it.runIf(hasProgram('mksquashfs', '-version'))('gives a squashfs image the time of SOURCE_DATE_EPOCH', async () => {
    const env = { HOME: path('home'), SOURCE_DATE_EPOCH: '1700000000' };
    await ok(convert('squashfs:epoch.squashfs', '--reproducible', '--compression=gzip'), { cwd: path(), env });
    const stdout = output('unsquashfs', '-UTC', '-s', path('epoch.squashfs'));
    expect(stdout).toContain('Compression gzip');
    expect(stdout).toMatch(/Tue Nov 14 22:13:20 2023/);
    const wrong = { cwd: path(), env: { ...env, SOURCE_DATE_EPOCH: 'now' } };
    expect(await failure(convert('squashfs:x', '--reproducible'), wrong)).toMatchObject({ code: 2, error: { code: 'USAGE' } });
  });

  it('makes the composefs image that oci compute-id knows, its dumpfile, and a digest store', async () => {
    const repo = path('repo');
    await ok(['init', '--insecure', repo]);
    await ok(['pull', '--repo', repo, ...SOURCE, 'app', PLATFORM, '-q'], world());
    const id = (await ok(['oci', 'compute-id', 'app', '--repo', repo])).trim();
    expect(await json('convert', convert('erofs:image.cfs', '--digest-store=objects'), world())).toMatchObject({ image_id: id });
    expect(fsVerityDigest(readFileSync(path('image.cfs')), 'sha512')).toBe(id);
    expect(readFileSync(path('objects', objectPath(fsVerityDigest(LARGE, 'sha512')))).equals(LARGE)).toBe(true);
    const dump = await ok(convert('dumpfile:-'), world());
    expect(dump).toBe(await ok(['oci', 'dump', 'app', '--repo', repo]));
    const { stdout } = await run(convert('erofs:text.cfs', '--hash=sha256', '--erofs-version=0'), world());
    expect(stdout).toMatch(/^erofs:text\.cfs {2}\S+ \S+ {2}sha256:[0-9a-f]{64}\nimage {4}[0-9a-f]{64}\n$/);
  });

  it('takes a stored image out of the repository as it was at its source', async () => {
    const repo = path('stored-repo');
    await ok(['init', '--insecure', repo]);
    await ok(['pull', '--repo', repo, ...SOURCE, 'app', PLATFORM, '-q'], world());
    await ok(['convert', '--repo', repo, 'stored:app', 'tar:stored.tar', '-q'], world());
    await ok(convert('tar:direct.tar'), world());
    expect(sha256Of(path('stored.tar'))).toBe(sha256Of(path('direct.tar')));
    const id = (await ok(['oci', 'compute-id', 'app', '--repo', repo])).trim();
    expect(await json('convert', ['convert', '--repo', repo, 'stored:app', 'erofs:stored.cfs', '-q'], world())).toMatchObject({
      image_id: id,
    });
    expect((await failure(['convert', '--repo', repo, 'stored:none', 'tar:x.tar'], world())).error.code).toBe('NOT_FOUND');
  });

  it('fetches each layer of a registry once, and leaves nothing beside the result', async () => {
    mkdirSync(path('far'));
    const before = registry.requests.length;
    await ok(['convert', `docker://${registry.registry}/team/app:v1`, 'tar:far/app.tar', PLATFORM, '-q'], world());
    await ok(convert('tar:near.tar'), world());
    expect(sha256Of(path('far/app.tar'))).toBe(sha256Of(path('near.tar')));
    expect(readdirSync(path('far'))).toEqual(['app.tar']);
    const blobs = registry.requests.slice(before).filter(({ method, path: url }) => method === 'GET' && url.includes('/blobs/'));
    expect(blobs).toHaveLength(contentOf(sample).length);
  });

  it('leaves an existing file alone when it fails, and nothing else behind', async () => {
    mkdirSync(path('kept'));
    writeFileSync(path('kept/app'), 'precious');
    await writeLayout(path('broken'), layoutFiles([{ image: sample, tag: 'v1' }]));
    const { digest } = sample.blobs.map(({ descriptor }) => descriptor).find(({ mediaType }) => mediaType.includes('gzip'))!;
    writeFileSync(path('broken/blobs', digest.replace(':', '/')), 'no gzip');
    for (const kind of ['tar', 'squashfs', 'erofs', 'dumpfile']) {
      const { code, error } = await failure(['convert', 'oci:broken:v1', `${kind}:kept/app`, PLATFORM], world());
      expect({ code, known: /FAILED|MISMATCH/.test(error.code) }).toEqual({ code: 1, known: true });
      expect(readdirSync(path('kept'))).toEqual(['app']);
      expect(readFileSync(path('kept/app'), 'utf8')).toBe('precious');
    }
  });

  it('counts what is left out, and is strict if asked', async () => {
    const dangling = image({ layers: [tarLayer(tar([{ path: 'a', type: 'hardlink', target: 'none' }]), 'none')] });
    await writeLayout(path('dangling'), layoutFiles([{ image: dangling, tag: 'v1' }]));
    const argv = ['convert', 'oci:dangling:v1', 'tar:dangling.tar', PLATFORM];
    const { stderr, stdout, code } = await run([...argv, '--json'], world());
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ report: { links_dropped: 1 } });
    expect(stderr).toContain('warning');
    expect((await failure([...argv, '--strict'], world())).code).toBe(1);
  });

  it('says which mksquashfs it did not find', async () => {
    const { error } = await failure(convert('squashfs:x.squashfs', '--mksquashfs=./none/mksquashfs'), world());
    expect(error).toMatchObject({ code: 'PROGRAM_MISSING', message: expect.stringContaining(join(path(), 'none/mksquashfs')) as string });
    writeFileSync(path('old'), '#!/bin/sh\necho "mksquashfs version 4.4 (2019/08/29)"\n');
    chmodSync(path('old'), 0o755);
    expect((await failure(convert('squashfs:x.squashfs', '--mksquashfs=./old'), world())).error.code).toBe('PROGRAM_TOO_OLD');
    expect(existsSync(path('x.squashfs'))).toBe(false);
  });

  it('wants an empty directory, or --merge', async () => {
    mkdirSync(path('full'));
    writeFileSync(path('full/file'), '');
    expect((await failure(convert('dir:full'), world())).error.code).toBe('TARGET_NOT_EMPTY');
    await ok(convert('dir:full', '--merge'), world());
    expect(below(path('full'))).toEqual([...TREE.slice(0, 2), 'file', ...TREE.slice(2)]);
  });

  it.each([
    [['convert', ...SOURCE], 'missing DEST'],
    [['convert', ...SOURCE, 'x'], "DEST: wanted squashfs:FILE, tar:FILE, dir:PATH, erofs:FILE, dumpfile:FILE, found 'x'"],
    [['convert', ...SOURCE, 'zip:x'], "found 'zip:x'"],
    [['convert', ...SOURCE, 'constructor:x'], "found 'constructor:x'"],
    [['convert', ...SOURCE, 'tar:'], 'DEST: wanted tar:FILE, found no path'],
    [['convert', ...SOURCE, 'squashfs:-'], 'squashfs:-: cannot be written to standard output'],
    [['convert', ...SOURCE, 'tar:x', '--owner=ignore'], '--owner: for dir: only, not for tar:'],
    [['convert', ...SOURCE, 'dir:x', '--order=sorted'], '--order: for tar: only, not for dir:'],
    [['convert', ...SOURCE, 'tar:x', '--xattrs=keep-user-xattrs'], '--xattrs: for erofs: and dumpfile: only, not for tar:'],
    [['convert', ...SOURCE, 'dir:x', '--reproducible'], '--reproducible: for squashfs: only'],
    [['convert', ...SOURCE, 'tar:x', '--platform=all'], '--platform all: name one platform'],
    [['convert', 'stored:app', 'tar:x', '--platform=linux/amd64'], '--platform: a stored image is for one platform'],
    [['convert', 'app', 'tar:x'], 'SOURCE: Missing'],
    [['convert-tar', '--output=x'], 'missing --image DIR'],
    [['convert-dir', '--image=layout'], 'missing --output PATH'],
    [['convert-squashfs', '--image=layout', '--output=-'], 'cannot be written to standard output'],
    [['pull', '--image=x'], 'missing --output-squashfs FILE, --output-tar FILE or --output-dir DIR'],
    [['pull', '--image=x', '--output-tar=a', '--output-dir=b'], '--output-tar and --output-dir exclude each other'],
    [['pull', '--image=x', '--output-tar=a', '--no-image'], 'exclude each other'],
    [['pull', 'oci:x', '--output-tar=a'], 'wanted --image REF beside it'],
    [['pull', 'oci:x', '--image=y', '--output-tar=a'], "unexpected argument 'oci:x' beside --image"],
    [['fetch', '--output=x'], 'missing REF'],
    [['verify', '--reference=x'], 'missing --squashfs FILE, --tar FILE or --dir DIR'],
    [['verify', '--dir=x'], 'missing --reference DIR'],
    [['verify', '--dir=x', '--tar=y', '--reference=z'], 'exclude each other'],
    [['verify', '--dir=', '--reference=z'], '--dir: the path is empty'],
  ] as const)('%j is wrong usage', async (argv, message) => {
    const ended = await run(argv, world());
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain(message);
  });
});

describe('the commands of ocirender', () => {
  it('convert-tar and convert-dir take the image in a directory', async () => {
    await ok(convert('tar:wanted.tar'), world());
    const { stdout } = await run(['convert-tar', '--image=layout', '--output=long.tar', '-q'], world());
    expect(stdout).toMatch(/^tar:long\.tar {2}\S+ \S+ {2}sha256:/);
    expect(sha256Of(path('long.tar'))).toBe(sha256Of(path('wanted.tar')));
    await ok(['convert-dir', '--image', 'layout', '--output', 'long-tree', '-q'], world());
    expect(below(path('long-tree'))).toEqual(TREE);
  });

  it.runIf(hasProgram('mksquashfs', '-version'))('convert-squashfs takes a mksquashfs', async () => {
    const program = output('which', 'mksquashfs').trim();
    const argv = ['convert-squashfs', '--image=layout', '--output=long.squashfs', '--mksquashfs', program, '-q'];
    expect(await json('convert', argv, world())).toMatchObject({ dest: 'squashfs:long.squashfs', report: SQUASHFS });
    await ok(['convert-dir', '--image', 'layout', '--output', 'beside-squashfs', '-q'], world());
    await sameAs(path('beside-squashfs'), '--squashfs', path('long.squashfs'));
  });

  it('pull writes what it is told to, and touches no repository', async () => {
    const name = `${registry.registry}/team/app:v1`;
    await ok(convert('tar:pull-wanted.tar'), world());
    for (const reference of [name, `docker://${name}`, 'oci:layout:v1']) {
      await ok(['pull', '--image', reference, '--output-tar', 'pulled.tar', PLATFORM, '-q', '--repo', path('none')], world());
      expect(sha256Of(path('pulled.tar'))).toBe(sha256Of(path('pull-wanted.tar')));
    }
    expect(existsSync(path('none'))).toBe(false);
  });
});

describe('verify', () => {
  it('lists what differs and exits with 1', async () => {
    await ok(convert('dir:generated'), world());
    await ok(convert('dir:reference'), world());
    writeFileSync(path('generated/more'), '');
    writeFileSync(path('reference/less'), '');
    chmodSync(path('reference/usr'), 0o700);
    writeFileSync(path('reference/var/new'), 'old');
    const argv = ['verify', '--dir', 'generated', '--reference', 'reference', '--ignore-ownership'];
    expect(await run(argv, world())).toMatchObject({
      code: 1,
      stderr: '',
      stdout: '+ more\n- less\n~ usr: mode: generated=0711 reference=0700\n~ var/new: sha256 mismatch\n',
    });
    const { code, stdout } = await run([...argv, '--json'], world());
    expect({ code, ...(JSON.parse(stdout) as object) }).toEqual({
      code: 1,
      only_in_generated: ['more'],
      only_in_reference: ['less'],
      differences: [
        { path: 'usr', detail: 'mode: generated=0711 reference=0700' },
        { path: 'var/new', detail: 'sha256 mismatch' },
      ],
    });
  });

  it('is content with what is equal, in JSON too', async () => {
    await ok(convert('dir:equal'), world());
    expect(await json('verify', ['verify', '--dir', 'equal', '--reference', 'equal', '-q'], world())).toEqual({
      only_in_generated: [],
      only_in_reference: [],
      differences: [],
    });
    expect((await failure(['verify', '--squashfs', 'layout/index.json', '--reference', 'equal'], world())).code).toBe(1);
  });
});

function sha256Of(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** What a program says on standard output. */
function output(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8' });
}
