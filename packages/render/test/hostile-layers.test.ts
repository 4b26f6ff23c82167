import { lstatSync, readdirSync } from 'node:fs';
import { tar } from '@cfskit/fixtures';
import { describe, expect, it } from 'vitest';
import type { RenderImage, RenderLimits } from '../src/index.ts';
import { beside } from './support/beside.ts';
import { codesOf, failureOf, imageOf, memoryLayer, merge, mergedTar } from './support/images.ts';
import { layer, type LayerBuilder } from './support/layer-builder.ts';
import { base256, block, END, padded, pax, record } from './support/raw-tar.ts';
import { isRoot } from './support/programs.ts';

type Layer = LayerBuilder | Uint8Array;

const raw = (...parts: readonly Uint8Array[]): Uint8Array => Buffer.concat([...parts, END]);
const file = (name: string, content: string): Buffer => Buffer.concat([block({ name, size: Buffer.byteLength(content) }), padded(content)]);
const big = (value: string): string => value.repeat(200);

/** What of an image is in the directory that it is unpacked into: names, with `@` and `/` behind links and directories. */
async function names(...layers: readonly Layer[]): Promise<string[] | string> {
  let found: string[] = [];
  const codes = await beside(imageOf(...layers), {}, { look: (to) => (found = list(to)) });
  return codes.length === 0 ? found : codes.join(' ');
}

function list(directory: string): string[] {
  const found: string[] = [];
  const walk = (path: Buffer, prefix: string): void => {
    for (const name of readdirSync(path, { encoding: 'buffer' })) {
      const child = Buffer.concat([path, Buffer.from('/'), name]);
      const status = lstatSync(child);
      const shown = prefix + name.toString('latin1');
      found.push(`${shown}${status.isSymbolicLink() ? '@' : status.isDirectory() ? '/' : ''}`);
      if (status.isDirectory()) walk(child, `${shown}/`);
    }
  };
  walk(Buffer.from(directory), '');
  return found.toSorted();
}

/** The codes with which a tar of it fails. */
async function refusal(image: RenderImage, limits: RenderLimits = {}): Promise<string> {
  return codesOf(await failureOf(mergedTar(image, { limits }))).join(' ');
}

describe('advisories about unpackers: nothing leads out, and nothing is smuggled in', () => {
  const CHAIN = layer().dir('a/b/c').symlink('a/b/c/up', '../..').symlink('a/b/escape', 'c/up/../..');
  it.each<[string, Layer, string[] | string]>([
    ['CVE-2026-23745, node-tar: absolute link targets', layer().hardlink('l', '/outside/secret').symlink('s', '/outside/secret'), ['s@']],
    ['CVE-2026-24842, node-tar: a hard link to ..', layer().hardlink('l', '../outside/secret'), 'LAYER_FAILED INVALID_PATH'],
    [
      'CVE-2026-26960, node-tar: a hard link through a chain of links',
      CHAIN.hardlink('l', 'a/b/escape/outside/secret'),
      ['a/', 'a/b/', 'a/b/c/', 'a/b/c/up@', 'a/b/escape@'],
    ],
    ['CVE-2021-32804, node-tar: // in front', layer().file('//outside/new').file('///x'), ['outside/', 'outside/new', 'x']],
    [
      'CVE-2021-37701, node-tar: a directory becomes a link, then a file below it',
      layer().dir('d').symlink('d', '../outside').file('d/new'),
      ['d@', 'outside/', 'outside/new'],
    ],
    [
      'CVE-2021-37712, node-tar: the same by another Unicode form, which is another name',
      layer().dir('caf\u00e9').symlink('cafe\u0301', '../outside').file('caf\u00e9/new'),
      ['cafe\u0301@', 'caf\u00e9/', 'caf\u00e9/new'].map(latin),
    ],
    [
      'node-tar 3b1abfa: ligatures are other names',
      layer().symlink('\ufb03', '../outside').file('ffi/new'),
      ['ffi/', 'ffi/new', `${latin('\ufb03')}@`],
    ],
    ['node-tar 7bc755d: a root in front of ..', layer().file('/../outside/new'), 'LAYER_FAILED INVALID_PATH'],
    ['node-tar f48b5fa: names of drives are names', layer().symlink('s', 'C:../outside').file('C:../new'), ['C:../', 'C:../new', 's@']],
    ['node-tar 9704d8c: a hard link in front of its target', layer().hardlink('l', 'f').file('f'), ['f']],
    ['node-tar 7a635c2: a NUL in a PAX path', layer().add({ path: 'f', pax: { path: 'a\0b' } }), 'LAYER_FAILED INVALID_PAX'],
    ['CVE-2025-48387, tar-fs: a hard link through a symbolic link', layer().symlink('s', '../outside').hardlink('l', 's/secret'), ['s@']],
    [
      'CVE-2025-59343, tar-fs: a file through a symbolic link whose name begins like the target',
      layer().symlink('s', '../to-outside').file('s/new'),
      ['s@', 'to-outside/', 'to-outside/new'],
    ],
    [
      'CVE-2026-33056, tar-rs: a directory onto a symbolic link sets no mode behind it',
      layer().symlink('s', '../outside/secret').dir('s', 0o777),
      ['s/'],
    ],
    ['CVE-2021-29136, umoci: a symbolic link for the root', layer().symlink('/.', '/outside').file('new'), 'LAYER_FAILED NOT_A_DIRECTORY'],
    ['umoci: a whiteout of no name', layer().whiteout('', ''), 'LAYER_FAILED INVALID_NAME'],
    [
      'CVE-2020-27833, oc: subdir/parent leads up',
      layer().symlink('subdir/parent', '..').file('subdir/parent/escapes'),
      ['escapes', 'subdir/', 'subdir/parent@'],
    ],
    [
      'CVE-2024-9676, containers/storage: /etc/passwd leads out',
      layer().symlink('etc/passwd', '../../outside/secret').file('etc/passwd', 'x'),
      ['etc/', 'etc/passwd'],
    ],
  ])('%s', async (_, one, expected) => {
    expect(await names(one)).toEqual(expected);
  });

  it('CVE-2025-62518, TARmageddon: a size in a PAX record counts, so that no entry hides in content', async () => {
    const inner = raw(file('smuggled', 'x'));
    const outer = raw(record('x', pax({ size: String(inner.length) })), block({ name: 'outer', size: 0 }), padded(Buffer.from(inner)));
    expect(await names(outer)).toEqual(['outer']);
  });

  it('CVE-2026-33055: the same where the header has a size too', async () => {
    const outer = raw(record('x', pax({ size: '1' })), block({ name: 'outer', size: 1024 }), padded('x'), file('next', 'y'));
    expect(await names(outer)).toEqual(['next', 'outer']);
  });

  it('astral-tokio-tar: a malformed PAX record is refused, not skipped', async () => {
    const size = 'size=512\n';
    expect(await refusal(imageOf(raw(record('x', `99 ${size}`), file('f', 'x'))))).toBe('LAYER_FAILED INVALID_PAX');
  });

  it('CVE-2025-58183, Go: the map of a sparse file is bounded', async () => {
    const image = imageOf(layer().add({ path: 'f', pax: { 'GNU.sparse.map': '0,1,'.repeat(400_000), 'GNU.sparse.size': '1' } }));
    expect(await refusal(image)).toBe('LAYER_FAILED LIMIT_METADATA');
  });

  it('node-tar 9e78bf0: a negative size', async () => {
    expect(await refusal(imageOf(raw(block({ size: base256(12, -1n) }))))).toBe('LAYER_FAILED INVALID_HEADER');
  });

  it('node-tar 2812e93: a ratio of decompression', async () => {
    const { gzipSync } = await import('node:zlib');
    const bomb = gzipSync(tar([{ path: 'f', content: new Uint8Array(2 ** 23) }]));
    expect(await refusal(imageOf(memoryLayer(bomb, 'application/vnd.oci.image.layer.v1.tar+gzip')), { maxLayerBytes: 2 ** 20 })).toMatch(
      /^LAYER_FAILED (OUTPUT_LIMIT|LIMIT_BYTES)$/,
    );
  });
});

describe('bad tars, by their numbers in the list', () => {
  it.each<[string, Layer, string[] | string]>([
    [
      '35 a PAX size says nothing about a long name behind it',
      raw(record('x', pax({ size: '512' })), record('L', 'long'), file('f', 'x'.repeat(512)), file('g', '')),
      ['g', 'long'],
    ],
    ['36 a record without an end', raw(record('x', '12 path=ab'), file('f', '')), 'LAYER_FAILED INVALID_PAX'],
    ['36 a record longer than its data', raw(record('x', '99 path=ab\n'), file('f', '')), 'LAYER_FAILED INVALID_PAX'],
    ['36 a record of no length', raw(record('x', '0 path=ab\n'), file('f', '')), 'LAYER_FAILED INVALID_PAX'],
    [
      '36 two headers of records',
      raw(record('x', pax({ path: 'a' })), record('x', pax({ path: 'b' })), file('f', '')),
      'LAYER_FAILED DUPLICATE_METADATA',
    ],
    ['36 a key twice: the last', raw(record('x', pax({ path: 'a' }) + pax({ path: 'b' })), file('f', '')), ['b']],
    ['36 no UTF-8 in a path', layer().add({ path: 'f', pax: { path: Uint8Array.of(0x61, 0xff) } }), ['a\xff']],
    ['37 global records are no entry', raw(record('g', pax({ comment: 'x' })), file('f', '')), ['f']],
    ['38 long names without a NUL', raw(record('L', big('n')), file('f', '')), [big('n')]],
    ['40 a wrong checksum', raw(Buffer.from(block({ name: 'f' })).fill(1, 0, 1)), 'LAYER_FAILED CHECKSUM_MISMATCH'],
    ['41 no blocks at the end', Buffer.concat([file('f', 'x')]), ['f']],
    ['41 one block at the end', Buffer.concat([file('f', 'x'), Buffer.alloc(512)]), ['f']],
    ['41 blocks that end in the middle', Buffer.concat([file('f', 'x'), Buffer.alloc(100)]), 'LAYER_FAILED TRUNCATED'],
    ['43 v7: no magic', raw(block({ name: 'old', magic: '' })), ['old']],
    ['43 type 7 is a file', raw(block({ name: 'f', type: '7', size: 1 }), padded('x')), ['f']],
    ['44 an empty name is the root', raw(block({ name: '' })), 'LAYER_FAILED NOT_A_DIRECTORY'],
    ['44 ., ./ and / are the root', layer().dir('.').dir('').add({ path: '/', type: 'dir' }).file('f'), ['f']],
    ['44 //x, a//b and a/./b', layer().file('//x').file('a//b').file('a/./c'), ['a/', 'a/b', 'a/c', 'x']],
    ['44 a slash behind a file', layer().file('f/'), ['f']],
    ['44 a/../b', layer().file('a/../b'), 'LAYER_FAILED INVALID_PATH'],
    ['44 backslashes', layer().file('a\\..\\b'), ['a\\..\\b']],
    ['45 a component of 4096 bytes', layer().file('n'.repeat(4096)), 'LAYER_FAILED INVALID_NAME'],
    ['46 file, directory, link on one path of a layer', layer().file('p').dir('p').symlink('p', 't'), ['p@']],
    ['47 a hard link to itself', layer().file('f', 'x').hardlink('f', 'f'), ['f']],
    ['47 to nothing, and to a directory', layer().dir('d').hardlink('a', 'none').hardlink('b', 'd'), ['d/']],
    ['47 to a symbolic link', layer().symlink('s', 't').hardlink('l', 's'), ['l@', 's@']],
    ['47 through a symbolic link', layer().file('d/f').symlink('s', 'd').hardlink('l', 's/f'), ['d/', 'd/f', 'l', 's@']],
    ['48 .wh. alone, .wh..wh., .wh..', layer().whiteout('', '.wh.').whiteout('', '.').file('f'), ['f']],
    ['48 a whiteout and the name, in both orders', layer().whiteout('', 'a').file('a').file('b').whiteout('', 'b'), ['a', 'b']],
    [
      '48 markers that are directories and links',
      layer().add({ path: '.wh..wh..opq/', type: 'dir' }).symlink('.wh.a', 'x').file('a'),
      ['a'],
    ],
    ['48 an opaque marker in the first layer', layer().file('d/f').opaque('d'), ['d/', 'd/f']],
    ['52 owners beyond 32 bits', raw(block({ name: 'f', more: [[108, base256(8, 2n ** 32n)]] })), ['f']],
    ['53 a mode with bits of a type', raw(block({ name: 'f', more: [[100, Buffer.from('0120755\0')]] })), ['f']],
    ['55 implied parents and later ones', layer().file('d/f').dir('d', 0o700), ['d/', 'd/f']],
    [
      '56 twins in NFC, NFD and other case',
      layer().file('\u00e9').file('e\u0301').file('A').file('a'),
      ['A', 'a', 'e\u0301', '\u00e9'].map(latin),
    ],
    ['57 a symbolic link /. and files', layer().symlink('/.', '/outside').file('x'), 'LAYER_FAILED NOT_A_DIRECTORY'],
  ])('%s', async (_, one, expected) => {
    expect(await names(one)).toEqual(expected);
  });

  it('46 the same across layers', async () => {
    expect(
      await names(layer().file('p'), layer().file('p/x'.replace('/x', '')), layer().dir('p').file('p/y'), layer().symlink('p', 't')),
    ).toEqual(['p@']);
  });

  it('38 a long name of 26 MB is not gathered', async () => {
    const huge = block({ name: 'record', type: 'L', size: 26 * 2 ** 20 });
    expect(await refusal(imageOf(raw(huge)))).toBe('LAYER_FAILED LIMIT_METADATA');
  });

  it('39 base 256: a negative owner keeps its lowest 32 bits, a negative time is a time', async () => {
    const one = raw(
      block({
        name: 'f',
        more: [
          [108, base256(8, -2n)],
          [136, base256(12, -1n)],
        ],
      }),
    );
    const { bytes } = await mergedTar(imageOf(one));
    expect(bytes.toString('latin1')).toMatch(/mtime=-1\n\d+ uid=4294967294\n/);
  });

  it.each([
    ['0.0', { 'GNU.sparse.size': '3', 'GNU.sparse.numblocks': '1', 'GNU.sparse.offset': '-1', 'GNU.sparse.numbytes': '1' }],
    ['0.1, negative', { 'GNU.sparse.map': '0,-1', 'GNU.sparse.size': '9' }],
    ['0.1, beyond the end', { 'GNU.sparse.map': '8,2', 'GNU.sparse.size': '9' }],
    ['0.1, overlapping', { 'GNU.sparse.map': '0,2,1,2', 'GNU.sparse.size': '9' }],
    ['1.0, a map that is none', { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '9' }],
  ])('42 a sparse map that cannot be, form %s', async (_, records) => {
    expect(await refusal(imageOf(layer().add({ path: 'f', content: 'xxxx', pax: records })))).toMatch(
      /^LAYER_FAILED INVALID_(SPARSE|PAX)$/,
    );
  });

  it('45 paths of 2,000 components fit, of 3,000 do not', async () => {
    expect((await merge(layer().file(`${'d/'.repeat(1999)}f`))).size).toBe(2000);
    expect(await refusal(imageOf(layer().file(`${'d/'.repeat(2999)}f`)))).toBe('LAYER_FAILED LIMIT_DEPTH');
  });

  it('47 a chain of 1,000 hard links is one file', async () => {
    const one = layer().file('l0', 'x');
    for (let i = 1; i <= 1000; i++) one.hardlink(`l${i}`, `l${i - 1}`);
    const entries = await merge(one);
    expect([...entries.values()].filter(({ type }) => type === 'hard-link').map(({ target }) => target)).toEqual(Array(1000).fill('l0'));
  });

  it('47 to a file that the same layer hides, and that an older one has', async () => {
    expect(await names(layer().file('f', 'x'), layer().whiteout('', 'f').hardlink('l', 'f'))).toEqual([]);
  });

  it.runIf(isRoot)('49 a device 0:0 is a device, and its links are links', async () => {
    expect(
      await names(
        layer()
          .add({ path: 'w', type: 'char', device: [0, 0] })
          .hardlink('l', 'w'),
      ),
    ).toEqual(['l', 'w']);
  });

  it('50 attributes: of overlayfs, of an empty name, of 70,000 bytes', async () => {
    const xattrs = {
      'trusted.overlay.opaque': 'y',
      'user.overlay.whiteout': 'y',
      'user.big': 'x'.repeat(70_000),
      'security.capability': '\x01\0',
    };
    const entry = (await merge(layer().add({ path: 'f', xattrs }))).get('f');
    expect(Object.keys(entry?.xattrs ?? {}).toSorted()).toEqual(Object.keys(xattrs).toSorted());
    expect(await refusal(imageOf(layer().add({ path: 'f', xattrs: { '': 'x' } })))).toMatch(/^LAYER_FAILED /);
  });

  it.each(['NaN', '1e3', '-', '1.2.3', ' 1'])('51 a time of %j', async (mtime) => {
    expect(await refusal(imageOf(layer().add({ path: 'f', pax: { mtime } })))).toBe('LAYER_FAILED INVALID_PAX');
  });

  it.each(['-1', '0.5', '292277026596'])('51 a time of %s is passed on', async (mtime) => {
    const { bytes } = await mergedTar(imageOf(layer().add({ path: 'f', pax: { mtime } })));
    expect(bytes.toString('latin1')).toContain(mtime === '292277026596' ? '' : `mtime=${mtime}\n`);
  });

  it('54 devices out of range', async () => {
    const device = block({ name: 'd', type: '3', more: [[329, base256(8, 2n ** 40n)]] });
    expect(await refusal(imageOf(raw(device)))).toMatch(/^LAYER_FAILED INVALID_/);
  });

  it('58 a file that is named as a table of contents is a file', async () => {
    expect(await names(layer().file('stargz.index.json', '{}').file('.no.prefetch.landmark'))).toEqual([
      '.no.prefetch.landmark',
      'stargz.index.json',
    ]);
  });

  it('32 gzip under the type of zstd, and the other way round', async () => {
    const { gzipSync } = await import('node:zlib');
    const zstd = 'application/vnd.oci.image.layer.v1.tar+zstd';
    expect(await refusal(imageOf(memoryLayer(gzipSync(layer().file('f').build()), zstd)))).toMatch(/^LAYER_FAILED /);
  });

  it('33 what follows the end of a tar counts for its digest, and for nothing else', async () => {
    const bytes = Buffer.concat([layer().file('f').build(), Buffer.alloc(3 * 2 ** 20, 'x')]);
    expect(await names(bytes)).toEqual(['f']);
  });
});

/** As a list of bytes shows it. */
function latin(text: string): string {
  return Buffer.from(text).toString('latin1');
}
