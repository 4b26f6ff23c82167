import type { Directory, Node } from '@cfskit/fs-tree';
import { describe, expect, it } from 'vitest';
import { checkImage, openImage, readObjectIds, readTree, type ErofsErrorCode } from '../src/index.ts';
import { crc32c } from '../src/crc32c.ts';
import { Crafted, nestedDirectories } from './craft.ts';
import { device, directory, file, inline, symlink, xattrs } from './trees.ts';
import { failure } from './vectors.ts';

const ID = 'ab'.repeat(32);
const tree = (): Directory =>
  directory({
    a: directory(),
    b: directory(),
    c: inline('content', { xattrs: xattrs({ 'user.one': '1', 'user.two': '2' }) }),
    d: symlink('target'),
    e: file({ kind: 'external', objectId: ID, size: 5000 }),
    f: inline('late', { mtime: { seconds: 5n, nanoseconds: 5 } }),
    g: { kind: 'fifo', stat: inline('').stat },
  });
const crafted = (version: 1 | 2 = 1): Crafted => new Crafted(tree(), version);

/** Where the record of a name in the root is, whose block is the last; directories have records of themselves, too. */
function record(image: Crafted, name: string): number {
  const buffer = Buffer.from(image.bytes.buffer);
  const nid = image.nid(`/${name}`);
  for (let at = buffer.length - 12; at >= 1152; at--) {
    if (buffer.readUInt32LE(at) === nid && buffer.readUInt32LE(at + 4) === 0 && buffer[at + 11] === 0 && buffer.readUInt8(at + 10) > 0)
      return at;
  }
  throw new Error(`no record of ${name}`);
}

describe('refused when read', () => {
  const cases: readonly (readonly [what: string, code: ErofsErrorCode, image: () => Crafted])[] = [
    ['unknown flags of the header', 'UNSUPPORTED', () => spoil(8, 2)],
    ['a wrong checksum', 'NOT_AN_IMAGE', () => crafted().superblock('featureCompat', 7)],
    ['more inodes than slots', 'OUT_OF_BOUNDS', () => crafted().superblock('inos', 10_000n)],
    ['a second of more than 10^9 nanoseconds', 'UNSUPPORTED', () => crafted().superblock('buildTimeNsec', 1e9)],
    ['the same in an inode', 'INVALID_INODE', () => crafted().inode('/f', 'mtimeNsec', 1e9)],
    ['unknown bits of the format', 'INVALID_INODE', () => crafted().inode('/c', 'format', 0x14)],
    ['a directory in chunks', 'INVALID_INODE', () => crafted().inode('/a', 'format', 8)],
    ['a link in chunks', 'INVALID_INODE', () => crafted().inode('/d', 'format', 8)],
    ['an empty directory', 'INVALID_INODE', () => crafted().inode('/a', 'size', 0)],
    ['a FIFO with bytes', 'INVALID_INODE', () => crafted().inode('/g', 'size', 1)],
    ['chunks with unknown flags', 'INVALID_INODE', () => crafted().inode('/e', 'u', 0x20)],
    ['too many chunks', 'INVALID_INODE', () => crafted().inode('/e', 'size', 0xffffffff).inode('/e', 'u', 0)],
    ['an external file with data', 'INVALID_INODE', () => crafted().replace('\xff\xff\xff\xff', '\x03\0\0\0')],
    ['an external file with data, format 2', 'INVALID_INODE', () => crafted(2).replace('\xff\xff\xff\xff', '\x03\0\0\0')],
    [
      'content here and elsewhere',
      'INVALID_INODE',
      () => crafted().replace('\x03\x01\x01\0one1', '\x10\x04\0\0overlay.metacopy').inode('/c', 'xattrIcount', 6),
    ],
    ['two attributes with one name', 'INVALID_XATTR', () => crafted().replace('two2', 'one2')],
    ['a NUL in the name of an attribute', 'INVALID_XATTR', () => crafted().replace('two2', 'tw\x002')],
    ['an attribute without a name', 'INVALID_XATTR', () => crafted().replace('\x03\x01\x01\0one1', '\0\0\x04\0one1')],
    ['a NUL in a link target', 'INVALID_INODE', () => crafted().replace('target', 'tar\0et')],
    ['a redirect with a NUL', 'INVALID_XATTR', () => crafted().replace('/ab/ab', '/ab\0ab')],
    ['an inode in the superblock', 'OUT_OF_BOUNDS', () => setRecord(crafted(), 'c', 32)],
    ['one directory twice', 'DIRECTORY_LOOP', () => setRecord(crafted(), 'b', crafted().nid('/a'))],
    ['a loop', 'DIRECTORY_LOOP', () => setRecord(crafted(), 'b', 36)],
    ['a file twice that has one link', 'LINK_COUNT', () => setRecord(crafted(), 'f', crafted().nid('/c'))],
    ['a link count without the links', 'LINK_COUNT', () => crafted().inode('/c', 'nlink', 2)],
    ['a file type that is none', 'INVALID_DIRECTORY', () => setType(crafted(), 'c', 8)],
    ['inline data across blocks', 'INVALID_INODE', () => moveTail(crafted(), '/c')],
  ];

  it.each(cases)('%s: %s', (_, code, image) => {
    const { bytes } = image();
    const error = failure(() => readTree(openImage(bytes)));
    expect([error.code, typeof error.offset]).toEqual([code, 'number']);
    expect(failure(() => checkImage(openImage(bytes))).code).toBe(code);
  });
});

describe('refused when checked', () => {
  const cases: readonly (readonly [what: string, code: ErofsErrorCode, image: () => Crafted])[] = [
    ['a filter that hides an attribute', 'INVALID_XATTR', () => hide(crafted())],
    ['another number of inodes', 'INVALID_INODE', () => crafted().superblock('inos', 100n)],
  ];

  it.each(cases)('%s: %s', (_, code, image) => {
    const { bytes } = image();
    readTree(openImage(bytes));
    expect(failure(() => checkImage(openImage(bytes))).code).toBe(code);
    expect(failure(() => readObjectIds(bytes, 'sha256')).code).toBe(code);
  });
});

describe('small images that claim to be large', () => {
  it('files that share their content', () => {
    const image = new Crafted(many(() => inline('x')));
    for (const path of image.inodes.keys())
      if (path.startsWith('/file')) image.inode(path, 'format', 0).inode(path, 'size', 4096).inode(path, 'u', 5);
    expect(failure(() => readTree(openImage(image.bytes))).code).toBe('OVERLAP');
  });

  it('attributes that share their bytes', () => {
    const label = xattrs({ 'user.a': 'shared' });
    const entries = many(() => inline('', { xattrs: label }));
    // Every fourth byte of the value starts an entry of 32767 bytes.
    entries.insert('big', inline('', { xattrs: xattrs({ 'user.huge': '\x01\x01\xff\x7f'.repeat(8000) }) }));
    const image = new Crafted(entries, 2);
    const pattern = Buffer.from(image.bytes.buffer).indexOf(Buffer.from('\x01\x01\xff\x7f'.repeat(4), 'latin1'));
    let reference = pattern / 4;
    for (const [path, offset] of image.inodes) if (path.startsWith('/file')) image.view.setUint32(offset + 64 + 12, reference++, true);
    expect(failure(() => readTree(openImage(image.bytes))).code).toBe('OVERLAP');
  });

  it('directories that nest too deep', () => {
    readTree(openImage(nestedDirectories(2048)));
    expect(failure(() => readTree(openImage(nestedDirectories(2049)))).code).toBe('TOO_DEEP');
    expect(failure(() => readTree(openImage(nestedDirectories(30_000)))).code).toBe('TOO_DEEP');
  });

  it('more names than wanted', () => {
    const image = openImage(new Crafted(many(() => inline(''))).bytes);
    readTree(image, { maxEntries: 1256 });
    expect(failure(() => readTree(image, { maxEntries: 1255 })).code).toBe('TOO_LARGE');
  });
});

it('takes a right checksum', () => {
  const image = crafted().superblock('featureCompat', 7);
  image.superblock('checksum', crc32c(image.bytes.subarray(1024, 4096), -1));
  expect(readTree(openImage(image.bytes)).size).toBe(7);
});

it('takes a character device with number 0 in format 2, but not twice', () => {
  const device0 = device(0);
  const image = new Crafted(directory({ d: directory({ a: device0, b: device(1) }) }), 2);
  expect(readTree(openImage(image.bytes)).size).toBe(1);
  image.inode('/d/b', 'u', 0);
  checkImage(openImage(image.bytes));
});

function many(node: () => Node): Directory {
  return directory(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`file${i}`, node()])));
}

function spoil(at: number, value: number): Crafted {
  const image = crafted();
  image.bytes[at] = value;
  return image;
}

function setRecord(image: Crafted, name: string, nid: number): Crafted {
  image.view.setUint32(record(image, name), nid, true);
  return image;
}

function setType(image: Crafted, name: string, fileType: number): Crafted {
  image.view.setUint8(record(image, name) + 10, fileType);
  return image;
}

/** Have attributes fill the block of the inode up to its last four bytes. */
function moveTail(image: Crafted, path: string): Crafted {
  const space = 4096 - ((image.offset(path) + 32) % 4096) - 4;
  return image.inode(path, 'xattrIcount', (space - 12) / 4 + 1);
}

function hide(image: Crafted): Crafted {
  image.view.setUint32(image.offset('/c') + 32, 0xffffffff, true);
  return image;
}
