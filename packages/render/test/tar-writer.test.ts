import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EPOCH, NO_XATTRS } from '@cfskit/fs-tree';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convertTar, type RenderImage } from '../src/index.ts';
import type { EntryStat } from '../src/layer-entry.ts';
import { withDefaults } from '../src/limits.ts';
import type { OutputEntry } from '../src/plan.ts';
import { TarReader } from '../src/tar-reader.ts';
import type { TarMember } from '../src/tar-member.ts';
import { encodeTarHeader } from '../src/tar-writer.ts';
import { failureOf, imageOf, mergedTar, sha256, withPath } from './support/images.ts';
import { layer } from './support/layer-builder.ts';
import { needs, run } from './support/programs.ts';
import { readTar } from './support/read-tar.ts';

const STAT: EntryStat = { mode: 0o644, uid: 0, gid: 0, mtime: EPOCH, xattrs: NO_XATTRS, uname: '', gname: '', records: [] };

function entry(fields: Partial<OutputEntry> & { readonly path: string }): OutputEntry {
  return { kind: 'file', stat: STAT, size: 0, target: '', rdev: 0, ...fields };
}

/** What the bytes of a header say to the reader. */
function readBack(bytes: Uint8Array): TarMember {
  const members: TarMember[] = [];
  const sink = {
    member: (member: TarMember) => void members.push(member),
    data: () => undefined,
    hole: () => undefined,
    end: () => undefined,
  };
  const reader = new TarReader(sink, withDefaults());
  reader.push(bytes);
  const [member] = members;
  if (member === undefined) throw new Error('no entry');
  return member;
}

const types = (bytes: Uint8Array): string[] =>
  Array.from({ length: bytes.length / 512 }, (_, i) => bytes.subarray(i * 512, (i + 1) * 512))
    .filter((block) => Buffer.from(block).subarray(257, 263).toString('latin1') === 'ustar\0')
    .map((block) => String.fromCharCode(block[156] ?? 0));

describe('a header', () => {
  it('is the ustar one that everybody writes', () => {
    const block = Buffer.from(
      encodeTarHeader(
        entry({
          path: 'a/b',
          size: 5,
          stat: { ...STAT, uid: 1000, gid: 100, mtime: { seconds: 1_700_000_000n, nanoseconds: 0 }, uname: 'me', gname: 'us' },
        }),
      ),
    );
    expect(block.length).toBe(512);
    expect(block.toString('latin1').replaceAll('\0', '.')).toBe(
      `a/b${'.'.repeat(97)}0000644.0001750.0000144.00000000005.14524770400.010546. 0${'.'.repeat(100)}ustar.00me${'.'.repeat(30)}us${'.'.repeat(30)}0000000.0000000.${'.'.repeat(167)}`,
    );
  });

  it.each([
    ['short names', 'link', 'target', ['1']],
    ['a long link name', 'l'.repeat(150), 'target', ['x', '1']],
    ['a long target', 'link', 't'.repeat(150), ['x', '1']],
    ['both long', 'l'.repeat(150), 't'.repeat(150), ['x', '1']],
    ['a name that fits into both fields', `${'d'.repeat(120)}/${'l'.repeat(80)}`, 'target', ['1']],
  ])('of a hard link with %s', (_, path, target, expected) => {
    const bytes = encodeTarHeader(entry({ path, kind: 'hard-link', target }));
    expect(types(bytes)).toEqual(expected);
    expect(readBack(bytes)).toMatchObject({ kind: 'hard-link', path, target });
  });

  it('never is a GNU record', () => {
    const bytes = encodeTarHeader(entry({ path: 'p'.repeat(4000), kind: 'symlink', target: 't'.repeat(4000) }));
    expect(types(bytes).filter((type) => type === 'L' || type === 'K')).toEqual([]);
  });

  it('holds the beginning of what does not fit', () => {
    const bytes = Buffer.from(encodeTarHeader(entry({ path: 'p'.repeat(150), kind: 'symlink', target: 't'.repeat(150) })));
    const last = bytes.subarray(-512);
    expect(last.subarray(0, 100).toString()).toBe(`${'p'.repeat(99)}\0`);
    expect(last.subarray(157, 257).toString()).toBe('t'.repeat(100));
  });

  it('has PAX records only for what does not fit, in a fixed order', () => {
    const stat: EntryStat = {
      ...STAT,
      uid: 2_097_152,
      gid: 3_000_000,
      mtime: { seconds: -2n, nanoseconds: 500_000_000 },
      uname: 'caf\xc3\xa9',
      gname: 'g'.repeat(32),
      xattrs: new Map([
        ['user.b', '2'],
        ['user.a', '1\0'],
      ]),
      records: [
        ['ctime', '2'],
        ['LIBARCHIVE.xattr.x', 'y'],
        ['atime', '1'],
      ],
    };
    const bytes = Buffer.from(
      encodeTarHeader(entry({ path: 'n'.repeat(101), kind: 'symlink', target: 'l'.repeat(101), size: 8 ** 11, stat })),
    );
    const data = bytes.subarray(512, -512).toString('latin1').replace(/\0+$/, '');
    expect(data.match(/^\d+ [^=]+/gm)?.map((line) => line.replace(/^\d+ /, ''))).toEqual([
      'gid',
      'gname',
      'linkpath',
      'mtime',
      'path',
      'size',
      'uid',
      'uname',
      'SCHILY.xattr.user.a',
      'SCHILY.xattr.user.b',
      'LIBARCHIVE.xattr.x',
      'atime',
      'ctime',
    ]);
    expect(data).toContain('mtime=-1.5\n');
    expect(
      readTar(Buffer.concat([encodeTarHeader(entry({ path: 'f', stat: { ...stat, mtime: EPOCH } })), Buffer.alloc(1024)])),
    ).toMatchObject([{ uid: 2_097_152, gid: 3_000_000, xattrs: { 'user.a': '1\0', 'user.b': '2' } }]);
    expect(
      encodeTarHeader(
        entry({ path: 'f', stat: { ...STAT, uid: 2_097_151, mtime: { seconds: 8n ** 11n - 1n, nanoseconds: 0 } }, size: 8 ** 11 - 1 }),
      ).length,
    ).toBe(512);
  });

  it('reads as what was written', () => {
    const name = fc.string({
      unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
      minLength: 1,
      maxLength: 300,
    });
    const fields = fc.record({
      path: name.filter((path) => !path.endsWith('/')),
      target: name,
      mode: fc.integer({ min: 0, max: 0o7777 }),
      uid: fc.integer({ min: 0, max: 0xffffffff }),
      gid: fc.integer({ min: 0, max: 0xffffffff }),
      mtime: fc.record({ seconds: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }), nanoseconds: fc.nat(999_999_999) }),
      uname: fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 40 }),
      xattrs: fc.dictionary(fc.stringMatching(/^user\.[a-z]{1,20}$/), name).map((xattrs) => new Map(Object.entries(xattrs))),
      kind: fc.constantFrom('symlink' as const, 'hard-link' as const, 'fifo' as const, 'file' as const),
    });
    fc.assert(
      fc.property(fields, ({ path, target, kind, ...stat }) => {
        const isLink = kind === 'symlink' || kind === 'hard-link';
        const member = readBack(encodeTarHeader(entry({ path, kind, target: isLink ? target : '', stat: { ...STAT, ...stat } })));
        const expected = { path, kind, target: isLink ? target : '', ...stat, ...(kind === 'hard-link' && { xattrs: new Map() }) };
        expect(member).toMatchObject(expected);
      }),
      { numRuns: 300 },
    );
  });
});

const LAYERS = [
  layer()
    .add({ path: 'etc/', type: 'dir', mode: 0o711, mtime: 3 })
    .file('etc/passwd', 'x'.repeat(1000))
    .file('zeta', '1')
    .hardlink('alpha', 'zeta')
    .file('o', 'promoted')
    .hardlink('p', 'o'),
  layer().file('etc.d', 'y').file('etc/group', 'z').whiteout('', 'o').symlink('lib', 'usr/lib').file('lib/so', 'shared'),
];

describe('a merged tar', () => {
  it('has layers newest first, then promoted entries, then links', async () => {
    const { bytes } = await mergedTar(imageOf(...LAYERS));
    expect(readTar(bytes).map(({ path, type }) => `${path} ${type}`)).toEqual([
      'usr directory',
      'usr/lib directory',
      'etc.d file',
      'etc/group file',
      'lib symlink',
      'usr/lib/so file',
      'etc directory',
      'etc/passwd file',
      'zeta file',
      'p file',
      'alpha hard-link',
    ]);
  });

  it('sorted, has parents first and names in byte order, whichever way the layers are cut', async () => {
    const { bytes } = await mergedTar(imageOf(...LAYERS), { order: 'sorted' });
    expect(readTar(bytes).map(({ path, type }) => `${path} ${type}`)).toEqual([
      'alpha file',
      'etc directory',
      'etc/group file',
      'etc/passwd file',
      'etc.d file',
      'lib symlink',
      'p file',
      'usr directory',
      'usr/lib directory',
      'usr/lib/so file',
      'zeta hard-link',
    ]);
    const inOne = layer()
      .file('p', 'promoted')
      .symlink('lib', 'usr/lib')
      .file('lib/so', 'shared')
      .file('etc.d', 'y')
      .file('alpha', '1')
      .hardlink('zeta', 'alpha')
      .add({ path: 'etc/', type: 'dir', mode: 0o711, mtime: 3 })
      .file('etc/group', 'z')
      .file('etc/passwd', 'x'.repeat(1000));
    expect((await mergedTar(imageOf(inOne), { order: 'sorted' })).bytes.equals(bytes)).toBe(true);
  });

  it('is the same bytes again', async () => {
    const [a, b] = [await mergedTar(imageOf(...LAYERS)), await mergedTar(imageOf(...LAYERS))];
    expect(a.bytes.equals(b.bytes)).toBe(true);
    expect(a.result).toMatchObject({ bytes: a.bytes.length, digest: sha256(a.bytes) });
  });

  it('ends with two blocks, and is not filled up', async () => {
    const { bytes } = await mergedTar(imageOf(layer().file('f')));
    expect(bytes.length).toBe(512 + 1024);
  });

  it('has long links of GNU headers whole', async () => {
    const target = 't'.repeat(200);
    const gnu = Buffer.concat([
      gnuRecord('K', `${target}\0`),
      gnuLink('s', '2'),
      gnuRecord('L', `${'n'.repeat(200)}\0`),
      gnuLink('n', '5'),
      Buffer.alloc(1024),
    ]);
    expect(readTar((await mergedTar(imageOf(gnu))).bytes)).toMatchObject([
      { path: 's', target, type: 'symlink' },
      { path: 'n'.repeat(200), type: 'directory' },
    ]);
  });

  it('has names as bytes, owners as they are called, and attributes byte for byte', async () => {
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
    const one = layer().add({
      path: Buffer.from('caf\xe9', 'latin1'),
      xattrs: { 'security.capability': capability },
      pax: { uname: 'root', atime: '1.25' },
    });
    const { bytes } = await mergedTar(imageOf(one));
    expect(readTar(bytes)).toMatchObject([{ path: 'caf\xe9', xattrs: { 'security.capability': capability.toString('latin1') } }]);
    expect(bytes.toString('latin1')).toContain(' atime=1.25\n');
    expect(bytes.includes('pax_global_header')).toBe(false);
  });

  it.runIf(needs('tar'))('is read by GNU tar as it was meant', async () => {
    await withPath(async (to) => {
      await convertTar(imageOf(...LAYERS), to);
      expect(run('tar', '-tf', to).trim().split('\n')).toEqual([
        'usr/',
        'usr/lib/',
        'etc.d',
        'etc/group',
        'lib',
        'usr/lib/so',
        'etc/',
        'etc/passwd',
        'zeta',
        'p',
        'alpha',
      ]);
      expect(run('tar', '-xOf', to, 'usr/lib/so', 'p')).toBe('sharedpromoted');
    });
  });
});

describe('a file', () => {
  it('appears when it is complete, and what was there survives a failure', async () => {
    await withPath(async (to) => {
      await writeFile(to, 'good');
      await failureOf(convertTar(imageOf(layer().file('../x')), to));
      expect(await readFile(to, 'utf8')).toBe('good');
      await convertTar(imageOf(layer().file('x')), to);
      expect((await readFile(to)).length).toBe(1536);
    });
  });

  it('takes no place of something else', async () => {
    await withPath(async (to, directory) => {
      expect(await failureOf(convertTar(imageOf(), directory))).toMatchObject({ code: 'OUTPUT_NOT_A_FILE' });
      expect(await failureOf(convertTar(imageOf(), '/dev/null'))).toMatchObject({ code: 'OUTPUT_NOT_A_FILE' });
      expect(await failureOf(convertTar(imageOf(), join(to, 'below')))).toMatchObject({ code: 'ENOENT' });
    });
  });
});

describe('what a layer is', () => {
  const bytes = layer().file('f', 'x').build();
  const wrong = (fields: Partial<RenderImage['layers'][number]>): RenderImage => {
    const image = imageOf(bytes);
    return { ...image, layers: image.layers.map((one) => Object.assign(one, fields)) };
  };

  it.each([
    ['a digest', { blob: { digest: sha256(Buffer.from('other')), size: bytes.length }, diffId: sha256(bytes) }, 'DIGEST_MISMATCH'],
    ['a size', { blob: { digest: sha256(bytes), size: bytes.length - 1 } }, 'SIZE_MISMATCH'],
    ['a diff_id', { diffId: sha256(Buffer.from('other')) }, 'DIFF_ID_MISMATCH'],
    ['a media type', { mediaType: 'application/vnd.custom+lz4' }, 'UNSUPPORTED_MEDIA_TYPE'],
    ['no media type', { mediaType: '' }, 'UNSUPPORTED_MEDIA_TYPE'],
    ['an encrypted one', { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip+encrypted' }, 'UNSUPPORTED_MEDIA_TYPE'],
  ])('must be what was said: %s', async (_, fields, code) => {
    const error = await failureOf(mergedTar(wrong(fields)));
    expect([error.message, error.cause]).toMatchObject(['cannot read layer 0 of the test image (memory)', { code }]);
  });

  it('must be the same when it is read again', async () => {
    let turn = 0;
    const changing = { name: 'changing', mediaType: 'application/vnd.oci.image.layer.v1.tar' };
    const open = async function* (): AsyncGenerator<Uint8Array, void> {
      yield layer()
        .file('f', turn++ === 0 ? 'x' : 'y')
        .build();
    };
    await withPath(async (to) => {
      const error = await failureOf(convertTar({ name: 'an image', layers: [{ ...changing, open }] }, to));
      expect(error).toMatchObject({ code: 'LAYER_FAILED', cause: { code: 'DIGEST_MISMATCH' } });
    });
  });
});

function gnuRecord(type: string, data: string): Buffer {
  const header = gnuLink('././@LongLink', type);
  header.write(data.length.toString(8).padStart(11, '0'), 124);
  return Buffer.concat([sealed(header), Buffer.from(data.padEnd(512, '\0'))]);
}

function gnuLink(name: string, type: string): Buffer {
  const header = Buffer.from(encodeTarHeader(entry({ path: name })));
  header.write(type, 156);
  header.write('ustar  \0', 257);
  return sealed(header);
}

function sealed(header: Buffer): Buffer {
  header.fill(' ', 148, 156);
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  return header;
}
