import { decode, encode } from '@cfskit/binary';
import type { Time } from '@cfskit/fs-tree';
import { describe, expect, it } from 'vitest';
import { openImage, writeImage } from '../src/index.ts';
import { composefsHeader } from '../src/composefs-header.ts';
import { dirent } from '../src/dirent.ts';
import { fileTypeOfMode, kindOfFileType } from '../src/file-type.ts';
import { SLOT } from '../src/format.ts';
import { compactInode, EXTENDED, extendedInode } from '../src/inode-layout.ts';
import type { Inode } from '../src/read-inode.ts';
import { superblock } from '../src/superblock.ts';
import { walkImage } from '../src/walk-image.ts';
import { xattrAreaSize, xattrEntry, xattrHeader, xattrIcount } from '../src/xattr-layout.ts';
import { expectedImages, treeOf } from './vectors.ts';

describe('sizes and offsets', () => {
  it('composefs header', () => {
    expect(composefsHeader.size).toBe(32);
    expect(composefsHeader.offsets).toEqual({ magic: 0, version: 4, flags: 8, composefsVersion: 12, unused: 16 });
  });

  it('superblock', () => {
    expect(superblock.size).toBe(128);
    expect(superblock.offsets).toMatchObject({ featureCompat: 8, rootNid: 14, inos: 16, buildTime: 24, blocks: 36, xattrBlkaddr: 44 });
    expect(superblock.offsets).toMatchObject({ featureIncompat: 80, xattrPrefixCount: 91, packedNid: 96, reserved: 105 });
  });

  it('inodes', () => {
    expect([compactInode.size, extendedInode.size]).toEqual([32, 64]);
    expect(compactInode.offsets).toMatchObject({ xattrIcount: 2, mode: 4, nlink: 6, size: 8, u: 16, ino: 20, uid: 24, gid: 26 });
    expect(extendedInode.offsets).toMatchObject({ size: 8, u: 16, ino: 20, uid: 24, gid: 28, mtime: 32, mtimeNsec: 40, nlink: 44 });
  });

  it('entries', () => {
    expect([dirent.size, xattrHeader.size, xattrEntry.size]).toEqual([12, 12, 4]);
    expect(dirent.offsets).toEqual({ nid: 0, nameoff: 8, fileType: 10, reserved: 11 });
  });
});

it('i_xattr_icount counts words behind the header, and itself', () => {
  const cases = [
    [0, 0],
    [12, 1],
    [16, 2],
    [32764, 8189],
  ] as const;
  for (const [size, icount] of cases) {
    expect(xattrIcount(size)).toBe(icount);
    expect(xattrAreaSize(icount)).toBe(size);
  }
});

// Inodes are written and read field by field; the tables say what must come out.
describe('inodes through their tables', () => {
  const images = expectedImages.filter(({ vector }) =>
    /^(file-types|ids|mtime|devices|hardlinks|external-sizes|mixed-\d)$/.test(vector.name),
  );

  it.each(images)('$label', ({ vector, version, profile }) => {
    const bytes = writeImage(treeOf(vector.name), { version, profile });
    const image = openImage(bytes);
    let inodes = 0;
    for (const { inode, attributes } of walkImage(image, { profile })) {
      if (attributes === undefined) continue;
      inodes++;
      expect(throughTable(bytes, inode.offset, image.buildTime)).toMatchObject(inode);
    }
    expect(inodes).toBe(image.inodeCount);
  });
});

function throughTable(bytes: Uint8Array, offset: number, buildTime: Time): Partial<Inode> {
  const [firstByte = 0] = bytes.subarray(offset);
  const extended = (firstByte & EXTENDED) !== 0;
  const table = extended ? extendedInode : compactInode;
  const fields = extended ? decode(extendedInode, bytes, offset) : decode(compactInode, bytes, offset);
  // Nothing is in the bytes that the table does not know.
  const encoded = 'mtime' in fields ? encode(extendedInode, fields) : encode(compactInode, fields);
  expect(encoded).toEqual(bytes.slice(offset, offset + table.size));
  const { format, xattrIcount: icount, mode, nlink, u, uid, gid, size } = fields;
  const fileType = fileTypeOfMode(mode);
  return {
    nid: offset / SLOT,
    offset,
    kind: kindOfFileType(fileType),
    fileType,
    mode,
    nlink,
    u,
    uid,
    gid,
    size: Number(size),
    mtime: 'mtime' in fields ? { seconds: fields.mtime, nanoseconds: fields.mtimeNsec } : buildTime,
    layout: format >> 1,
    xattrOffset: offset + table.size,
    xattrSize: xattrAreaSize(icount),
  };
}
