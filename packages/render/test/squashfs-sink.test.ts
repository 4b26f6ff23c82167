import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withTempDir } from '@cfskit/fixtures';
import { describe, expect, it } from 'vitest';
import { convert, convertLayers, convertSquashfs, isClean, StreamingPacker, verify } from '../src/index.ts';
import { listSquashfs } from '../src/list-squashfs.ts';
import { mksquashfsArguments, mksquashfsVersion, parseVersion } from '../src/mksquashfs.ts';
import { statOf } from '../src/layer-entry.ts';
import type { TreeListing } from '../src/tree-listing.ts';
import { EPOCH, NO_XATTRS } from '@cfskit/fs-tree';
import { layerFiles, pick } from './support/files.ts';
import { codesOf, failureOf, imageOf, messagesOf, PLAIN_TAR, withPath } from './support/images.ts';
import { layer } from './support/layer-builder.ts';
import { isRoot, needs, run } from './support/programs.ts';

const LARGE = layer().file('large', new Uint8Array(512 * 1024));

/** A program of a few lines of shell, in a directory that goes away. */
async function withScript<T>(lines: string, work: (binpath: string, directory: string) => Promise<T>): Promise<T> {
  return withTempDir(async (directory) => {
    const binpath = join(directory, 'fake-mksquashfs');
    await writeFile(binpath, `#!/bin/sh\n${lines}\n`);
    await chmod(binpath, 0o755);
    return work(binpath, directory);
  });
}

async function squashfsEntries(path: string): Promise<TreeListing['entries']> {
  const listing = await listSquashfs(path);
  await listing.close();
  return listing.entries;
}

async function outputs(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.startsWith('out'));
}

/** Says its version when asked, as the real one does, and otherwise does what follows. */
const VERSION = 'if [ "$1" = -version ]; then echo "mksquashfs version 4.5.1 (2022/03/17)"; exit 1; fi';

describe('a program that fails', () => {
  it('that is not there', async () => {
    await withPath(async (to, directory) => {
      const error = await failureOf(convertSquashfs(imageOf(LARGE), to, { binpath: join(directory, 'nowhere') }));
      expect(error).toMatchObject({ code: 'PROGRAM_MISSING' });
      expect(error.message).toMatch(/^nowhere not found at .* — is squashfs-tools installed\?$/);
      expect(await outputs(directory)).toEqual([]);
    });
  });

  it('is missing under its usual name', async () => {
    await withPath(async (to) => {
      const path = process.env['PATH'];
      process.env['PATH'] = '/nowhere';
      try {
        expect((await failureOf(convertSquashfs(imageOf(LARGE), to))).message).toMatch(/^mksquashfs not found at mksquashfs /);
      } finally {
        process.env['PATH'] = path;
      }
    });
  });

  it('that cannot be executed: the message of the system', async () => {
    await withPath(async (to, directory) => {
      await writeFile(join(directory, 'text'), 'no program');
      expect((await failureOf(convertSquashfs(imageOf(LARGE), to, { binpath: join(directory, 'text') }))).code).toBe('EACCES');
    });
  });

  it('that ends at once without reading: no hang, no file', async () => {
    await withPath(async (to, directory) => {
      const error = await failureOf(convertSquashfs(imageOf(LARGE), to, { binpath: '/bin/false' }));
      expect(error).toMatchObject({ code: 'PROGRAM_FAILED', message: 'false ended with 1' });
      expect(await outputs(directory)).toEqual([]);
    });
  });

  it('that ends at once with nothing to read', async () => {
    await withScript(`${VERSION}\nexit 3`, async (binpath, directory) => {
      const error = await failureOf(convertSquashfs(imageOf(), join(directory, 'out'), { binpath }));
      expect(error).toMatchObject({ code: 'PROGRAM_FAILED', message: 'fake-mksquashfs ended with 3' });
    });
  });

  it('that says why: its words are in the message', async () => {
    const script = `${VERSION}\ncat > /dev/null\nprintf "unsupported option -tar\\n\\nusage\\n" >&2\necho bye\nexit 1`;
    await withScript(script, async (binpath, directory) => {
      const error = await failureOf(convertSquashfs(imageOf(LARGE), join(directory, 'out'), { binpath }));
      expect(error.message).toBe('fake-mksquashfs ended with 1: unsupported option -tar; usage; bye');
      expect(await outputs(directory)).toEqual([]);
    });
  });

  it('that ends well without having read everything, or without a file', async () => {
    await withScript(`${VERSION}\nexit 0`, async (binpath, directory) => {
      const error = await failureOf(convertSquashfs(imageOf(LARGE), join(directory, 'out'), { binpath }));
      expect(error).toMatchObject({ code: 'PROGRAM_FAILED' });
    });
    await withScript(`${VERSION}\ncat > /dev/null`, async (binpath, directory) => {
      const error = await failureOf(convertSquashfs(imageOf(LARGE), join(directory, 'out'), { binpath }));
      expect(error).toMatchObject({ code: 'PROGRAM_FAILED' });
    });
  });

  it('and a download that fails: the download is the reason', async () => {
    await withScript(`${VERSION}\ncat > /dev/null\nexit 1`, async (binpath, directory) => {
      const file = pick(await layerFiles(directory, [LARGE]), 0);
      const layers = (async function* () {
        yield file;
        throw new Error('injected download failure');
      })();
      const error = await failureOf(convertLayers(layers, 2, { kind: 'squashfs', to: join(directory, 'out'), binpath }));
      expect(error.message).toBe('merging layers into mksquashfs stdin');
      expect(codesOf(error)).toEqual(['MERGE_FAILED', 'DOWNLOAD_FAILED', 'injected download failure']);
      expect(await outputs(directory)).toEqual([]);
    });
  });

  it('that writes more than a pipe holds while it reads: no hang', async () => {
    const noise = 'head -c 1000000 /dev/zero | tr "\\0" x >&2\nhead -c 1000000 /dev/zero | tr "\\0" y';
    await withScript(`${VERSION}\n${noise}\ncat > "$2"\n${noise}`, async (binpath, directory) => {
      const { bytes } = await convertSquashfs(imageOf(LARGE), join(directory, 'out'), { binpath });
      expect(bytes).toBe(512 * 1024 + 3 * 512);
    });
  });

  it('too old a version is refused by name', async () => {
    await withScript('echo "mksquashfs version 4.4 (2019/08/29)"', async (binpath, directory) => {
      const error = await failureOf(convertSquashfs(imageOf(LARGE), join(directory, 'out'), { binpath }));
      expect(error).toMatchObject({ code: 'PROGRAM_TOO_OLD', message: expect.stringContaining('found 4.4') as string });
    });
  });

  it('an existing output survives', async () => {
    await withPath(async (to, directory) => {
      await writeFile(to, 'good');
      await failureOf(convertSquashfs(imageOf(LARGE), to, { binpath: '/bin/false' }));
      expect([await readFile(to, 'utf8'), await outputs(directory)]).toEqual(['good', ['out']]);
    });
  });

  it('is ended when the caller gives up', async () => {
    await withScript(`${VERSION}\nsleep 60`, async (binpath, directory) => {
      const abort = new AbortController();
      const started = convert(
        imageOf(LARGE, endless()),
        { kind: 'squashfs', to: join(directory, 'out'), binpath },
        { signal: abort.signal },
      );
      setTimeout(() => abort.abort(new Error('enough')), 100);
      expect((await failureOf(started)).message).toBe('enough');
      expect(await outputs(directory)).toEqual([]);
    });
  });
});

/** Begins its output, and then neither reads nor ends. A program of its own holds the pipes. */
const STUCK = `${VERSION}\necho $$ > "$0.pid"\necho part > "$2"\nsleep 60 & wait`;

describe('a program that is stuck', () => {
  it.each([
    ['with nothing left to read', imageOf()],
    ['with more to read than a pipe holds', imageOf(LARGE)],
  ])('%s is ended when the caller gives up', async (_, image) => {
    await withScript(STUCK, async (binpath, directory) => {
      const abort = new AbortController();
      const started = convert(image, { kind: 'squashfs', to: join(directory, 'out'), binpath }, { signal: abort.signal });
      await expect.poll(() => outputs(directory), { timeout: 10_000 }).toHaveLength(1);
      abort.abort(new Error('enough'));
      expect((await failureOf(started)).message).toBe('enough');
      expect(await outputs(directory)).toEqual([]);
      expect(await isRunning(`${binpath}.pid`)).toBe(false);
    });
  });

  it('is ended when a packer is closed', async () => {
    await withScript(STUCK, async (binpath, directory) => {
      const packer = new StreamingPacker([], { kind: 'squashfs', to: join(directory, 'out'), binpath });
      await expect.poll(() => outputs(directory), { timeout: 10_000 }).toHaveLength(1);
      await packer.close();
      expect(await outputs(directory)).toEqual([]);
      expect(await isRunning(`${binpath}.pid`)).toBe(false);
    });
  });

  it('while it is asked for its version is ended when the caller gives up', async () => {
    await withScript('echo $$ > "$0.pid"\nsleep 60', async (binpath, directory) => {
      const abort = new AbortController();
      const started = convert(imageOf(), { kind: 'squashfs', to: join(directory, 'out'), binpath }, { signal: abort.signal });
      await expect.poll(() => readFile(`${binpath}.pid`, 'utf8').catch(() => ''), { timeout: 10_000 }).not.toBe('');
      abort.abort(new Error('enough'));
      expect((await failureOf(started)).message).toBe('enough');
    });
  });
});

async function isRunning(pidFile: string): Promise<boolean> {
  try {
    return process.kill(Number(await readFile(pidFile, 'utf8')), 0);
  } catch {
    return false;
  }
}

/** A layer that never ends while it is read the first time. */
function endless(): ReturnType<typeof imageOf>['layers'][number] {
  return {
    name: 'endless',
    mediaType: PLAIN_TAR,
    async *open() {
      yield layer()
        .add({ path: 'f', pax: { size: '1000000000000' } })
        .build()
        .slice(0, 2048);
      for (;;) yield new Uint8Array(await new Promise<number>((resolve) => setTimeout(() => resolve(65_536), 1)));
    },
  };
}

describe('the command line', () => {
  const root = { ...statOf({ mode: 0o755, uid: 0, gid: 0, mtime: EPOCH, xattrs: NO_XATTRS }), mode: 0o711, uid: 5 };
  const common = [
    '-tar',
    '-noappend',
    '-no-fragments',
    '-comp',
    'zstd',
    '-Xcompression-level',
    '2',
    '-mem',
    '128M',
    '-quiet',
    '-no-progress',
  ];
  const rootArguments = ['-root-mode', '0711', '-root-uid', '5', '-root-gid', '0'];
  const defaults = ['-default-mode', '0755', '-default-uid', '0', '-default-gid', '0'];

  it.each([
    ['4.5.1', []],
    ['4.6', defaults],
    ['4.7.3', defaults],
    ['4.7.5', [...defaults, '-numeric-owner']],
    ['5.0', [...defaults, '-numeric-owner']],
    [undefined, []],
  ])('of version %s', (version, more) => {
    const parsed = version === undefined ? undefined : parseVersion(`mksquashfs version ${version} (2024/01/01)`);
    expect(mksquashfsArguments('OUT', root, 'zstd', parsed)).toEqual(['-', 'OUT', ...common, ...rootArguments, ...more]);
  });

  it('guards a name that looks like an option', () => {
    expect(mksquashfsArguments('-x', root, 'gzip', undefined).slice(0, 2)).toEqual(['-', './-x']);
  });

  it('takes what says no version as it is', async () => {
    expect(await mksquashfsVersion('/bin/true')).toBeUndefined();
  });
});

describe.runIf(needs('mksquashfs'))('mksquashfs', () => {
  const binary = '\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00';

  it('gets metadata, attributes, links and devices as the layers have them', async () => {
    await withPath(async (to) => {
      const lower = layer()
        .add({ path: './', type: 'dir', mode: 0o750, uid: 3, gid: 4, mtime: 77 })
        .add({
          path: 'f',
          content: 'x',
          mode: 0o4755,
          uid: 70_000,
          gid: 9,
          mtime: 1_000_000,
          xattrs: { 'user.a': 'b', 'security.capability': Buffer.from(binary, 'latin1') },
        })
        .add({ path: 'null', type: 'char', device: [1, 3] })
        .add({ path: 'acl', xattrs: { 'system.posix_acl_access': 'x' }, mtime: -5 })
        .hardlink('l', 'f')
        .fifo('p');
      const { report, bytes, digest } = await convertSquashfs(imageOf(lower), to);
      expect(report).toMatchObject({ xattrsSkipped: 1, timesRounded: 1 });
      expect([bytes, digest?.length]).toEqual([(await stat(to)).size, 71]);
      const entries = await squashfsEntries(to);
      expect([...entries.keys()].toSorted()).toEqual(['', 'acl', 'f', 'l', 'null', 'p']);
      const root = entries.get('')?.metadata;
      expect([root?.mode, root?.uid === 3 && root.gid === 4 ? 0 : 1]).toEqual([0o750, report.ownersSkipped]);
      expect(entries.get('f')?.metadata).toMatchObject({ mode: 0o4755, uid: 70_000, gid: 9, mtime: { seconds: 1_000_000n } });
      expect(entries.get('f')?.metadata?.xattrs).toEqual(
        new Map([
          ['user.a', 'b'],
          ['security.capability', binary],
        ]),
      );
      expect(entries.get('null')).toMatchObject({ kind: 'character-device', rdev: 0x103 });
      expect(entries.get('l')?.inode).toBe(entries.get('f')?.inode);
      expect(entries.get('acl')?.metadata?.mtime.seconds).toBe(0n);
    });
  });

  it('gets no attributes that Linux does not take back: without a name, or too long', async () => {
    await withPath(async (to) => {
      const xattrs = { 'user.': 'a', 'user.max': 'x'.repeat(65_536), 'user.more': 'x'.repeat(65_537) };
      const { report } = await convertSquashfs(imageOf(layer().add({ path: 'f', xattrs })), to);
      const found = (await squashfsEntries(to)).get('f')?.metadata?.xattrs?.keys();
      expect([report.xattrsSkipped, [...(found ?? [])]]).toEqual([2, ['user.max']]);
    });
  });

  it('gets no names of owners, which it would look up on this machine', async () => {
    await withPath(async (to) => {
      await convertSquashfs(imageOf(layer().add({ path: 'f', uid: 5000, pax: { uname: 'daemon', gname: 'daemon' } })), to);
      const entries = await squashfsEntries(to);
      expect(entries.get('f')?.metadata).toMatchObject({ uid: 5000, gid: 0 });
    });
  });

  it('gives the same bytes again, when asked to', async () => {
    await withPath(async (to) => {
      const image = imageOf(layer().add({ path: 'a/f', content: 'x', mtime: 1_700_000_000 }).file('b', new Uint8Array(300_000)));
      const options = { reproducible: true } as const;
      const first = await convertSquashfs(image, to, options);
      await new Promise((resolve) => setTimeout(resolve, 1100));
      expect((await convertSquashfs(image, to, options)).digest).toBe(first.digest);
    });
  });

  it.each([
    ['gzip', {}],
    ['gzip', { created: { seconds: 1_800_000_000n, nanoseconds: 0 } }],
  ] as const)('%s, times neither earlier than the files nor than the image', async (compression, more) => {
    await withPath(async (to) => {
      const image = { ...imageOf(layer().add({ path: 'f', content: 'x', mtime: 1_700_000_000 })), ...more };
      await convertSquashfs(image, to, { reproducible: true, compression });
      const entries = await squashfsEntries(to);
      expect(entries.get('f')?.metadata?.mtime.seconds).toBe(1_700_000_000n);
    });
  });

  it('replaces a stale file only when it is complete', async () => {
    await withPath(async (to, directory) => {
      await writeFile(to, 'stale '.repeat(100_000));
      await convertSquashfs(imageOf(LARGE), to);
      expect((await readFile(to)).subarray(0, 4).toString()).toBe('hsqs');
      expect(await outputs(directory)).toEqual(['out']);
    });
  });

  it('does not hang on 4,000 files with an attribute that it warns about', async () => {
    await withPath(async (to) => {
      const many = layer();
      // As a PAX record of another program, which is passed on unseen.
      for (let i = 0; i < 4000; i++) many.add({ path: `f${i}`, pax: { 'LIBARCHIVE.xattr.system.posix_acl_access': 'eA==' } });
      const { bytes } = await convertSquashfs(imageOf(many), to);
      expect(bytes).toBeGreaterThan(0);
    });
  });

  it('the error of a failing merge names what was being done', async () => {
    await withPath(async (to) => {
      const error = await failureOf(convertSquashfs(imageOf(layer().file('../x')), to));
      expect(messagesOf(error)).toMatch(/^merging layers into mksquashfs stdin \| cannot read layer 0 .*\.\. component/);
    });
  });

  it.runIf(isRoot)('what it makes is what unsquashfs unpacks', async () => {
    await withPath(async (to, directory) => {
      const image = imageOf(
        layer()
          .add({ path: 'd/f', content: 'x', mtime: 5 })
          .hardlink('l', 'd/f')
          .add({ path: 'null', type: 'char', device: [1, 3] }),
      );
      await convertSquashfs(image, to);
      run('unsquashfs', '-q', '-n', '-d', join(directory, 'unpacked'), to);
      expect(
        isClean(await verify({ kind: 'squashfs', path: to }, join(directory, 'unpacked'), { extras: ['mtime', 'xattrs', 'links'] })),
      ).toBe(true);
    });
  });
});
