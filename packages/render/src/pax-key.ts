import type { ByteString } from '@cfskit/fs-tree';
import { RenderError } from './errors.ts';

/** Keys of extended attributes begin with this. */
export const XATTR = 'SCHILY.xattr.';

/** Keys about the holes of a file begin with this. */
export const SPARSE = 'GNU.sparse.';

/** Times that are passed on as they came. */
export const TIMES: ReadonlySet<ByteString> = new Set(['atime', 'ctime']);

/** Star's size of a file with its holes. Nobody is to see it on a file that has none any more. */
export const REAL_SIZE = 'SCHILY.realsize';

/** Keys whose values are part of an entry's description, and are written again from there. */
export const FIELDS: ReadonlySet<ByteString> = new Set(['path', 'linkpath', 'size', 'uid', 'gid', 'uname', 'gname', 'mtime']);

const TEXTS: ReadonlySet<ByteString> = new Set(['path', 'linkpath', 'uname', 'gname', `${SPARSE}name`]);
const XATTR_NAME_MAX = 255;

/** The value of a key, where it may be one. @throws {RenderError} INVALID_PAX for a NUL in a text */
export function textValue(key: ByteString, value: ByteString, offset: number): ByteString {
  if (TEXTS.has(key) && value.includes('\0')) throw new RenderError('INVALID_PAX', `PAX ${key} with a NUL in it`, { offset });
  return value;
}

/** The name of the attribute that a key is about. @throws {RenderError} INVALID_PAX */
export function xattrName(key: ByteString, offset: number): ByteString {
  const name = key.slice(XATTR.length);
  if (name !== '' && name.length <= XATTR_NAME_MAX && !name.includes('\0')) return name;
  throw new RenderError('INVALID_PAX', `extended attribute with a name of ${name.length} bytes`, { offset });
}

/** An empty value takes the key back. */
export function setOrDelete(map: Map<ByteString, ByteString>, key: ByteString, value: ByteString): void {
  if (value === '') map.delete(key);
  else map.set(key, value);
}
