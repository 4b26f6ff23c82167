import { FsTreeError } from './errors.ts';
import type { ByteString } from './escape.ts';
import type { Xattrs } from './stat.ts';

/** The longest symbolic link target, in bytes. */
export const TARGET_MAX = 4095;

/** The greatest device number. */
export const RDEV_MAX: number = 2 ** 32 - 1;

/** The greatest file size: as many bytes as the chunks of an image reach. */
export const SIZE_MAX: number = 2 ** 53;

/** The longest name of an extended attribute, in bytes. */
const XATTR_NAME_MAX = 255;

/** Bytes that the attributes of one node may take, as {@link xattrSpace} counts them. */
export const XATTR_SPACE_MAX = 32767;

/** How deep directories nest at most, unless a caller says otherwise: the root is at depth 0, and every directory is above this. */
export const DEPTH_MAX = 2048;

/** @throws {FsTreeError} INVALID_TARGET for a target that no image can hold: 1 to 4095 bytes, no NUL */
export function checkTarget(path: ByteString, target: ByteString): void {
  if (target === '') throw new FsTreeError('INVALID_TARGET', path, 'symbolic link without a target');
  if (target.includes('\0')) throw new FsTreeError('INVALID_TARGET', path, 'symbolic link with a NUL in its target');
  if (target.length > TARGET_MAX) {
    throw new FsTreeError('INVALID_TARGET', path, `symbolic link target of ${target.length} bytes, at most ${TARGET_MAX} are possible`);
  }
}

/** @throws {FsTreeError} INVALID_DEVICE for a device number above 32 bits */
export function checkDevice(path: ByteString, rdev: number | bigint): number {
  if (rdev > RDEV_MAX) throw new FsTreeError('INVALID_DEVICE', path, `device number ${rdev} is above ${RDEV_MAX}`);
  return Number(rdev);
}

/** Bytes that attributes take in an inode of the first image formats, header included. */
export function xattrSpace(xattrs: Xattrs): number {
  let space = 12;
  for (const [name, value] of xattrs) space += 7 + name.length + value.length;
  return space;
}

/** @throws {FsTreeError} INVALID_XATTR for names other than 1 to 255 bytes without NUL, and for more than 32767 bytes of attributes */
export function checkXattrs(path: ByteString, xattrs: Xattrs): void {
  for (const name of xattrs.keys()) checkXattrName(path, name);
  const space = xattrSpace(xattrs);
  if (space > XATTR_SPACE_MAX) {
    throw new FsTreeError('INVALID_XATTR', path, `${space} bytes of extended attributes, at most ${XATTR_SPACE_MAX} are possible`);
  }
}

function checkXattrName(path: ByteString, name: ByteString): void {
  if (name === '' || name.length > XATTR_NAME_MAX || name.includes('\0')) {
    const message = `name of an extended attribute of ${name.length} bytes, 1 to ${XATTR_NAME_MAX} without NUL are possible`;
    throw new FsTreeError('INVALID_XATTR', path, message);
  }
}
