import {
  blobPath,
  compress,
  dockerSaveEntries,
  image,
  imageConfig,
  imageIndex,
  jsonBlob,
  layoutFiles,
  layoutTar,
  tar,
  tarLayer,
  toBlob,
  withTempDir,
} from '@cfskit/fixtures';
import { digestOf, loadImage, mediaTypes, openVerified, parsePlatform, readBlob } from '@cfskit/oci-spec';
import { array, assert, asyncProperty, nat, record, uint8Array } from 'fast-check';
import { spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, readlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { pack } from 'tar-stream';
import { describe, expect, it, vi } from 'vitest';
import { openImageArchive, openOciArchive } from '../src/index.ts';
import { withArchive } from './archives.ts';
import { chain, collect, failure } from './layouts.ts';

const AMD64 = parsePlatform('linux/amd64');
const ARM64 = parsePlatform('linux/arm64');
const first = tarLayer(tar([{ path: 'a', content: 'alpha' }]));
const second = tarLayer(tar([{ path: 'b', content: 'beta' }]), 'zstd');
const amd64 = image({ layers: [first, second], platform: AMD64 });
const arm64 = image({ layers: [first], platform: ARM64 });
const files = layoutFiles([
  { image: amd64, tag: 'v1' },
  {
    image: imageIndex([
      { image: amd64, platform: AMD64 },
      { image: arm64, platform: ARM64 },
    ]),
    tag: 'multi',
  },
]);

/** What reading tag `v1` of the archive gives. */
async function readAll(path: string, tag = 'v1'): Promise<readonly Uint8Array[]> {
  const archive = await openOciArchive(path, { tag });
  try {
    const { configRaw, layers } = await loadImage(archive, { platform: AMD64 });
    const contents = await Promise.all(layers.map(({ descriptor }) => readBlob(archive, descriptor)));
    return [configRaw, ...contents];
  } finally {
    await archive.close();
  }
}

/** Exit code of the command that makes one; Node has no call for it. */
function makeFifo(path: string, command = 'mkfifo'): number | null {
  return spawnSync(command, [path]).status;
}

const expected = [amd64.blobs.at(1)!.bytes, first.bytes, second.bytes];

describe('an OCI layout in a tar', () => {
  it.each([
    ['as it is', files, {}],
    ['with names that begin with ./', files, { prefix: './' }],
    ['with names that begin with a slash', files, { prefix: '/' }],
    ['with the index first', Object.fromEntries(Object.entries(files).toReversed()), {}],
  ])('is read %s', async (_, content, options) => {
    await withArchive(layoutTar(content, options), async (path) => expect(await readAll(path)).toEqual(expected));
  });

  it.each(['gzip', 'zstd'] as const)('is read from %s, and leaves nothing behind', async (compression) => {
    await withTempDir(async (directory) => {
      const path = join(directory, 'image');
      await writeFile(path, compress(layoutTar(files), compression));
      await mkdir(join(directory, 'staging'));
      const archive = await openOciArchive(path, { stagingDirectory: join(directory, 'staging') });
      expect(await readdir(join(directory, 'staging'))).toEqual([]);
      expect((await archive.resolve({ tag: 'multi', platform: ARM64 })).descriptor.digest).toBe(arm64.descriptor.digest);
      await archive.close();
      expect(await readAll(path)).toEqual(expected);
    });
  });

  it.each<[string, boolean]>([
    ['/var/tmp, where large files go', false],
    ['the directory of the environment', true],
  ])('is unpacked in %s', async (_, isSet) => {
    await withTempDir(async (directory) => {
      vi.stubEnv('TMPDIR', isSet ? directory : undefined);
      const path = join(directory, 'image');
      await writeFile(path, compress(layoutTar(files), 'gzip'));
      const archive = await openOciArchive(path);
      vi.unstubAllEnvs();
      const opened = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
      const staged = opened.filter((name) => name.includes('/cfskit-') && name.endsWith('.tar (deleted)'));
      expect(staged.map((name) => dirname(name))).toContain(isSet ? directory : '/var/tmp');
      await archive.close();
    });
  });

  it('is read from a pipe', async () => {
    await withTempDir(async (directory) => {
      const path = join(directory, 'pipe');
      expect(makeFifo(path)).toBe(0);
      await writeFile(join(directory, 'image'), compress(layoutTar(files), 'gzip'));
      const [contents] = await Promise.all([readAll(path), pipeline(createReadStream(join(directory, 'image')), createWriteStream(path))]);
      expect(contents).toEqual(expected);
    });
  });

  it.each(['nobody', 'somebody who stops'])('ends with the reason of a signal while %s writes into the pipe', async (who) => {
    await withTempDir(async (directory) => {
      const path = join(directory, 'pipe');
      expect(makeFifo(path)).toBe(0);
      const controller = new AbortController();
      const opening = failure(openOciArchive(path, { signal: controller.signal }));
      const writer = who === 'nobody' ? undefined : await open(path, 'w');
      await writer?.write(layoutTar(files).subarray(0, 700));
      setTimeout(() => controller.abort(new Error('enough')), 50);
      expect(await opening).toBe(controller.signal.reason);
      await writer?.close();
    });
  });

  it('lists tags and platforms, and finds referrers, like a layout in a directory', async () => {
    await withArchive(layoutTar(files), async (path) => {
      const archive = await openOciArchive(path);
      expect(await archive.tags()).toEqual(['v1', 'multi']);
      expect((await archive.platforms('multi')).map(({ platform }) => platform)).toEqual([AMD64, ARM64]);
      expect(await archive.referrersOf(amd64.descriptor.digest)).toEqual([]);
      expect((await archive.resolveRoot({ tag: 'multi' })).descriptor.mediaType).toBe(mediaTypes.index);
      await archive.close();
    });
  });

  it('is read whoever wrote the tar: tar-stream, with pax headers and directories in between', async () => {
    const writer = pack();
    const sha512 = toBlob(first.bytes, mediaTypes.layerGzip, 'sha512');
    const config = imageConfig({ diffIds: [first.diffId] });
    const manifest = jsonBlob({ schemaVersion: 2, config: config.descriptor, layers: [sha512.descriptor] }, mediaTypes.manifest);
    const all = { ...layoutFiles([{ image: { ...manifest, blobs: [manifest, config, sha512] }, tag: 'v1' }]) };
    for (const [name, bytes] of Object.entries(all)) writer.entry({ name, pax: { comment: 'x'.repeat(600) } }, Buffer.from(bytes));
    writer.entry({ name: 'blobs/', type: 'directory' });
    writer.finalize();
    await withArchive(await buffer(writer), async (path) => expect((await readAll(path))[1]).toEqual(first.bytes));
  });

  it('may name a blob by a hard link or a symbolic link', async () => {
    const linked = blobPath(first.descriptor.digest);
    const others = Object.entries(files).filter(([name]) => name !== linked);
    for (const target of [
      { type: 'hardlink', target: './store/a' },
      { type: 'symlink', target: '../../store/a' },
    ] as const) {
      const bytes = tar([
        { path: 'store/a', content: first.bytes },
        ...others.map(([path, content]) => ({ path, content })),
        { path: linked, ...target },
      ]);
      await withArchive(bytes, async (path) => expect(await readAll(path)).toEqual(expected));
    }
  });

  it('takes the last of several entries of one name, as unpacking does', async () => {
    const { 'index.json': old = new Uint8Array(0) } = layoutFiles([{ image: arm64, tag: 'v1' }]);
    const bytes = tar([{ path: 'index.json', content: old }, ...Object.entries(files).map(([path, content]) => ({ path, content }))]);
    await withArchive(bytes, async (path) => expect(await readAll(path)).toEqual(expected));
  });

  it('may hold names that are not UTF-8, and names that lead nowhere', async () => {
    const odd = tar([
      { path: Uint8Array.of(0xff, 0xfe), content: 'x' },
      { path: '../../index.json', content: 'x' },
      { path: './', type: 'dir' },
    ]);
    const bytes = Buffer.concat([odd.subarray(0, -1024), layoutTar(files)]);
    await withArchive(bytes, async (path) => expect(await readAll(path)).toEqual(expected));
  });

  it('is read on behind a record of zeros, which are not its end', async () => {
    const zeros = withHeader(tar([{ path: 'zeros', content: new Uint8Array(4096) }], { endBlocks: 0 }), 0, 156, 'x');
    await withArchive(Buffer.concat([zeros, layoutTar(files)]), async (path) => expect(await readAll(path)).toEqual(expected));
  });

  it.each([
    ['without the blocks of zeros at its end', (bytes: Uint8Array) => bytes.subarray(0, -1024)],
    ['with one block of zeros', (bytes: Uint8Array) => bytes.subarray(0, -512)],
    ['with anything behind the end', (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.from('garbage'), Buffer.alloc(9000, 7)])],
  ])('is read %s', async (_, change) => {
    await withArchive(change(layoutTar(files)), async (path) => expect(await readAll(path)).toEqual(expected));
  });

  it('is read by its headers alone: of 5 GB less than 10 MB', async () => {
    await withTempDir(async (directory) => {
      const path = join(directory, 'large.tar');
      await writeSparseImage(path, 5, 2 ** 30);
      const script = fileURLToPath(new URL('count-reads.ts', import.meta.url));
      const { stdout, stderr } = spawnSync(process.execPath, ['--conditions=source', script, path], { encoding: 'utf8' });
      expect(stderr).toBe('');
      const { layers, bytes } = JSON.parse(stdout) as { layers: number; bytes: number };
      expect(layers).toBe(5);
      expect(bytes).toBeLessThan(1_000_000); // the modules that are loaded meanwhile included
    });
  });

  it('is recognised, and told from one of docker-save', async () => {
    await withArchive(layoutTar(files), async (path) => {
      const archive = await openImageArchive(path, { tag: 'v1' });
      expect(archive.describe()).toBe(`oci-archive:${path}:v1`);
      await archive.close();
    });
    await withArchive(tar(dockerSaveEntries([{ image: amd64, names: ['a:1'] }], 'flat')), async (path) => {
      const archive = await openImageArchive(path, { tag: 'a:1' });
      expect(archive.describe()).toBe(`docker-archive:${path}:a:1`);
      await archive.close();
    });
    await withArchive(tar([{ path: 'x' }]), async (path) =>
      expect(await failure(openImageArchive(path))).toMatchObject({ code: 'NO_INDEX' }),
    );
  });

  it('holds its file open until it is closed', async () => {
    await withArchive(layoutTar(files), async (path) => {
      const archive = await openOciArchive(path, { tag: 'v1' });
      await truncate(path, 0);
      expect(await failure(archive.resolve({ platform: AMD64 }))).toMatchObject({ code: 'INVALID_INDEX' });
      await archive.close();
      await archive.close();
      expect(await failure(archive.resolve({ platform: AMD64 }))).toMatchObject({ code: 'EBADF' });
    });
  });

  it('gives an error where a blob has become shorter', async () => {
    const large = toBlob(new Uint8Array(2_000_000), mediaTypes.layer);
    await withArchive(layoutTar({ ...files, [blobPath(large.descriptor.digest)]: large.bytes }), async (path) => {
      const archive = await openOciArchive(path);
      await truncate(path, 1_000_000);
      expect(await failure(collect(archive.open(large.descriptor)))).toMatchObject({ code: 'SIZE_MISMATCH' });
      await archive.close();
    });
  });

  it('gives the reason of an aborted signal', async () => {
    await withArchive(layoutTar(files), async (path) => {
      const signal = AbortSignal.abort(new Error('enough'));
      expect(await failure(openOciArchive(path, { signal }))).toBe(signal.reason);
    });
  });
});

/** Layers of zeros that take no room on the disk. Their digests are made up. */
async function writeSparseImage(path: string, count: number, layerSize: number): Promise<void> {
  const digests = Array.from({ length: count }, (_, i) => digestOf(Uint8Array.of(i)));
  const config = imageConfig({ diffIds: digests });
  const layers = digests.map((digest) => ({ mediaType: mediaTypes.layer, digest, size: layerSize }));
  const manifest = jsonBlob({ schemaVersion: 2, config: config.descriptor, layers }, mediaTypes.manifest);
  const small = Object.entries(layoutFiles([{ image: { ...manifest, blobs: [manifest, config] }, tag: 'v1' }]));
  const handle = await open(path, 'w');
  let at = 0;
  for (const digest of digests) {
    const header = tar([{ path: blobPath(digest), pax: { size: String(layerSize) } }], { endBlocks: 0 });
    await handle.write(header, 0, header.length, at);
    at += header.length + layerSize;
  }
  const rest = tar(small.map(([name, content]) => ({ path: name, content })));
  await handle.write(rest, 0, rest.length, at);
  await handle.close();
}

/** The same tar with other bytes at one place, and the checksum of the header block made right again. */
function withHeader(bytes: Uint8Array, block: number, at: number, field: string | Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const header = copy.subarray(block, block + 512);
  header.set(typeof field === 'string' ? new TextEncoder().encode(field) : field, at);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
  return copy;
}

describe('an archive that is not as it should be', () => {
  const whole = layoutTar(files);
  const inContent = Buffer.from(whole).indexOf(Buffer.from(first.bytes)) + 10;
  const pax = tar([{ path: 'x', pax: { size: '99999999999' } }, ...Object.entries(files).map(([path, content]) => ({ path, content }))]);
  const sparse = tar([
    { path: 'index.json', content: 'x', pax: { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 'index.json' } },
  ]);

  it.each<[string, Uint8Array, string, string]>([
    ['nothing at all', new Uint8Array(0), 'NOT_A_LAYOUT', 'empty archive'],
    ['only zeros', new Uint8Array(10_240), 'NOT_A_LAYOUT', 'empty archive'],
    ['a short text', new TextEncoder().encode('<html>'), 'NOT_A_LAYOUT', 'not a tar'],
    ['a long text', new TextEncoder().encode('<html>'.repeat(1000)), 'NOT_A_LAYOUT', 'not a tar'],
    ['a tar of something else', tar([{ path: 'a', content: 'x' }]), 'NOT_A_LAYOUT', 'not of an OCI layout'],
    ['a docker-save archive', tar([{ path: 'manifest.json', content: '[]' }]), 'NOT_A_LAYOUT', 'docker-archive:'],
    ['bzip2', new TextEncoder().encode('BZh91AY'), 'NOT_A_LAYOUT', 'bzip2'],
    ['xz', Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0), 'NOT_A_LAYOUT', 'xz'],
    ['gzip that is cut', compress(whole, 'gzip').subarray(0, 200), 'INVALID_ARCHIVE', 'unpacking'],
    ['gzip of gzip', compress(compress(whole, 'gzip'), 'gzip'), 'NOT_A_LAYOUT', 'not a tar'],
    ['cut in a header', whole.subarray(0, 700), 'TRUNCATED_ARCHIVE', 'in the middle of a header'],
    ['cut in a content', whole.subarray(0, inContent), 'TRUNCATED_ARCHIVE', 'ends in an entry'],
    ['cut behind a pax header', pax.subarray(0, 1024), 'TRUNCATED_ARCHIVE', 'unexpected EOF'],
    ['a size in a pax header that is beyond the end', pax, 'TRUNCATED_ARCHIVE', 'ends in an entry of 99999999999 bytes'],
    ['a header with a wrong checksum', whole.map((byte, i) => (i === 512 + 10 ? byte ^ 1 : byte)), 'INVALID_ARCHIVE', 'checksum'],
    ['a size that is beyond the end', withHeader(whole, 1024, 124, '77777777777'), 'TRUNCATED_ARCHIVE', 'ends in an entry'],
    ['a size that is no number', withHeader(whole, 1024, 124, '12x45678901'), 'INVALID_ARCHIVE', 'octal'],
    ['a size in base 256 that is negative', withHeader(whole, 1024, 124, new Uint8Array(12).fill(0xff)), 'INVALID_ARCHIVE', 'size'],
    ['a directory with content', withHeader(whole, 0, 124, '00000000001'), 'INVALID_ARCHIVE', "type 'directory'"],
    ['an index.json that is sparse', sparse, 'UNSUPPORTED_ENTRY', 'sparse'],
    ['a loop of links', tar([{ path: 'index.json', type: 'symlink', target: 'index.json' }]), 'NOT_A_FILE', 'loop'],
  ])('is refused: %s', async (_, bytes, code, text) => {
    await withArchive(bytes, async (path) => {
      const error = await failure(openOciArchive(path).then((archive) => archive.resolve().finally(() => archive.close())));
      expect(error).toMatchObject({ name: 'OciDirError', code });
      expect(chain(error)).toContain(text);
    });
  });

  it('is refused: more than a hundred thousand entries', async () => {
    const header = tar([{ path: 'a' }], { endBlocks: 0 });
    await withArchive(Buffer.alloc(100_001 * 512, header), async (path) => {
      expect(await failure(openOciArchive(path))).toMatchObject({ code: 'ARCHIVE_LIMIT' });
    });
  });

  it('is refused: a compressed one that unpacks to more than is allowed', async () => {
    await withArchive(
      whole,
      async (path) => {
        const error = await failure(openOciArchive(path, { limits: { maxOutput: 2000 } }));
        expect(error).toMatchObject({ code: 'INVALID_ARCHIVE', cause: { code: 'OUTPUT_LIMIT' } });
      },
      'gzip',
    );
  });

  it('is refused: a directory, and nothing', async () => {
    await withTempDir(async (directory) => {
      expect(await failure(openOciArchive(directory))).toMatchObject({ code: 'NOT_A_FILE' });
      expect(await failure(openOciArchive(join(directory, 'no')))).toMatchObject({ code: 'NOT_A_LAYOUT', cause: { code: 'ENOENT' } });
    });
  });

  it('is refused when strict: one without oci-layout', async () => {
    const { 'oci-layout': _, ...others } = files;
    await withArchive(layoutTar(others), async (path) => {
      expect(await failure(openOciArchive(path, { strict: true }))).toMatchObject({ code: 'LAYOUT_VERSION' });
      const warnings: string[] = [];
      const archive = await openOciArchive(path, { tag: 'v1' });
      await archive.resolve({ platform: AMD64, onWarning: (text) => warnings.push(text) });
      expect(warnings).toEqual(['no oci-layout file in the layout']);
      await archive.close();
    });
  });

  it('gives a value or a typed error, whichever bytes are changed', async () => {
    const mutation = record({ at: nat(whole.length - 1), bytes: uint8Array({ minLength: 1, maxLength: 24 }) });
    await withTempDir(async (directory) => {
      const path = join(directory, 'image.tar');
      await assert(
        asyncProperty(array(mutation, { minLength: 1, maxLength: 4 }), nat(whole.length), async (mutations, end) => {
          const bytes = Uint8Array.from(whole);
          for (const { at, bytes: other } of mutations) bytes.set(other.subarray(0, whole.length - at), at);
          await writeFile(path, end % 3 === 0 ? bytes.subarray(0, end) : bytes);
          const error = await failure(readAll(path));
          expect([undefined, 'OciDirError', 'OciSpecError', 'VerifyError']).toContain((error as Error | undefined)?.name);
        }),
        { numRuns: 150 },
      );
    });
  });

  it('never gives a blob that is not what its digest says', async () => {
    const bytes = whole.map((byte, i) => (i === inContent ? byte ^ 1 : byte));
    await withArchive(bytes, async (path) => {
      const archive = await openOciArchive(path);
      const wanted = { code: 'DIGEST_MISMATCH', expected: first.descriptor.digest };
      expect(await failure(collect(openVerified(archive, first.descriptor)))).toMatchObject(wanted);
      await archive.close();
    });
  });
});
