import { decode } from '@cfskit/binary';
import type { Time } from '@cfskit/fs-tree';
import { ImageBytes, type ByteSource } from './byte-source.ts';
import { COMPOSEFS_MAGIC, composefsHeader, HAS_ACL, HEADER_VERSION, type ComposefsHeader } from './composefs-header.ts';
import { crc32c } from './crc32c.ts';
import { ErofsError } from './errors.ts';
import { BLOCK, FORMAT_VERSIONS, INODES_OFFSET, SLOT, SUPERBLOCK_OFFSET, type FormatVersion } from './format.ts';
import { BLKSZBITS, COMPAT_CHECKSUM, COMPAT_KNOWN, EROFS_MAGIC, INCOMPAT_CHUNKED_FILE, superblock, type Superblock } from './superblock.ts';

/** An image whose header and superblock have been checked. What it holds has not: that happens as it is read. */
export interface ErofsImage {
  readonly version: FormatVersion;
  /** Bytes of the file. */
  readonly size: number;
  /** Inodes as the superblock counts them, stubs included. */
  readonly inodeCount: number;
  readonly rootNid: number;
  /** The mtime of compact inodes. */
  readonly buildTime: Time;
  /** Some inode is said to have a POSIX ACL. */
  readonly hasAcl: boolean;
  /** Where references to shared xattrs count from, in bytes. */
  readonly xattrBase: number;
  readonly bytes: ImageBytes;
}

/** Bounds of {@link openImage}. */
export interface OpenOptions {
  /** Largest image, in bytes. Default 1 GiB. */
  readonly maxSize?: number;
}

const MAX_SIZE: number = 2 ** 30;

/**
 * Look at header and superblock of an image.
 *
 * @param source the whole file, or a way to read parts of it; kept, and not written to
 * @throws {ErofsError} NOT_AN_IMAGE, UNSUPPORTED, TRUNCATED, TOO_LARGE, OUT_OF_BOUNDS, all with the offset of the field
 */
export function openImage(source: Uint8Array | ByteSource, { maxSize = MAX_SIZE }: OpenOptions = {}): ErofsImage {
  const bytes = new ImageBytes(source);
  if (bytes.size > maxSize) throw new ErofsError('TOO_LARGE', `image of ${bytes.size} bytes, at most ${maxSize} are allowed`);
  if (bytes.size < INODES_OFFSET) throw new ErofsError('TRUNCATED', `image of ${bytes.size} bytes`, { offset: bytes.size });
  const header = decode(composefsHeader, bytes.take(0, composefsHeader.size));
  const version = checkHeader(header);
  const block = decode(superblock, bytes.take(SUPERBLOCK_OFFSET, superblock.size));
  checkFeatures(block);
  checkSizes(block, bytes.size);
  if ((block.featureCompat & COMPAT_CHECKSUM) !== 0) checkChecksum(block, bytes);
  return {
    version,
    size: bytes.size,
    inodeCount: Number(block.inos),
    rootNid: block.rootNid,
    buildTime: { seconds: block.buildTime, nanoseconds: block.buildTimeNsec },
    hasAcl: (header.flags & HAS_ACL) !== 0,
    xattrBase: block.xattrBlkaddr * BLOCK,
    bytes,
  };
}

function checkHeader({ magic, version, flags, composefsVersion }: ComposefsHeader): FormatVersion {
  const { offsets } = composefsHeader;
  if (magic !== COMPOSEFS_MAGIC) throw new ErofsError('NOT_AN_IMAGE', 'no composefs image', { offset: offsets.magic });
  if (version !== HEADER_VERSION) throw new ErofsError('UNSUPPORTED', `header version ${version}`, { offset: offsets.version });
  if ((flags & ~HAS_ACL) !== 0) throw new ErofsError('UNSUPPORTED', `unknown flags ${flags}`, { offset: offsets.flags });
  const known = FORMAT_VERSIONS.find((candidate) => candidate === composefsVersion);
  if (known === undefined) {
    throw new ErofsError('UNSUPPORTED', `format version ${composefsVersion}`, { offset: offsets.composefsVersion });
  }
  return known;
}

function checkFeatures(block: Superblock): void {
  if (block.magic !== EROFS_MAGIC) throw fieldError('NOT_AN_IMAGE', 'magic', 'no EROFS image');
  if (block.blkszbits !== BLKSZBITS) throw fieldError('UNSUPPORTED', 'blkszbits', `block size of ${block.blkszbits} bits`);
  if ((block.featureCompat & ~COMPAT_KNOWN) !== 0) throw fieldError('UNSUPPORTED', 'featureCompat', 'unknown compatible feature');
  if ((block.featureIncompat & ~INCOMPAT_CHUNKED_FILE) !== 0) throw fieldError('UNSUPPORTED', 'featureIncompat', 'unknown feature');
  for (const field of ALWAYS_ZERO) {
    if (Number(block[field]) !== 0) throw fieldError('UNSUPPORTED', field, `${field} is ${block[field]}, wanted 0`);
  }
  if (block.buildTimeNsec >= 1e9) throw fieldError('UNSUPPORTED', 'buildTimeNsec', `${block.buildTimeNsec} nanoseconds`);
}

const ALWAYS_ZERO = [
  'sbExtslots',
  'metaBlkaddr',
  'availableComprAlgs',
  'extraDevices',
  'dirblkbits',
  'xattrPrefixCount',
  'packedNid',
] as const;

function checkSizes(block: Superblock, size: number): void {
  if (block.blocks * BLOCK !== size) throw fieldError('TRUNCATED', 'blocks', `image of ${size} bytes, wanted ${block.blocks} blocks`);
  if (block.xattrBlkaddr * BLOCK > size) throw fieldError('OUT_OF_BOUNDS', 'xattrBlkaddr', `shared xattrs in block ${block.xattrBlkaddr}`);
  if (block.inos > size / SLOT) throw fieldError('OUT_OF_BOUNDS', 'inos', `${block.inos} inodes in ${size} bytes`);
}

/** It covers the block of the superblock, from the superblock on, with 0 in its own place. composefs writes none. */
function checkChecksum({ checksum }: Superblock, bytes: ImageBytes): void {
  const covered = bytes.take(SUPERBLOCK_OFFSET, BLOCK - SUPERBLOCK_OFFSET).slice();
  covered.fill(0, superblock.offsets.checksum, superblock.offsets.featureCompat);
  if (crc32c(covered, -1) !== checksum) throw fieldError('NOT_AN_IMAGE', 'checksum', 'wrong checksum of the superblock');
}

function fieldError(code: ErofsError['code'], field: keyof Superblock, message: string): ErofsError {
  return new ErofsError(code, message, { offset: SUPERBLOCK_OFFSET + superblock.offsets[field] });
}
