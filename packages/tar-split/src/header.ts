import { copyBytes } from './copy.ts';
import { TarSplitError } from './errors.ts';
import { checkSize, isBase256, parseBase256, parseOctal, parseUint32 } from './number.ts';
import { FIELD, headerChecksum, type FieldRange } from './ustar.ts';

/** Where the header of an old GNU sparse file, and each block after it, says that another block of its map follows. */
export const SPARSE_EXTENDED = { header: 482, block: 504 } as const;

/** By magic and version; anything but the two exact spellings is v7. */
export type HeaderFormat = 'ustar' | 'gnu' | 'v7';

/** Metadata fields of a header, as they stand there. */
export interface OwnerFields {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Signed 64 bits; a bigint where the field is base-256. */
  readonly mtime: number | bigint;
  /** Absent in a v7 header, which has no device numbers. */
  readonly device?: { readonly major: number; readonly minor: number };
}

/**
 * Only the unsigned sum counts, with the checksum itself taken as eight spaces.
 *
 * @param sum result of {@link sumBlock}
 * @throws {TarSplitError} CHECKSUM_MISMATCH, INVALID_FIELD
 */
export function verifyChecksum(bytes: Uint8Array, at: number, sum: number, offset: number): void {
  const { start, end } = FIELD.checksum;
  const expected = parseOctal(bytes, at + start, at + end, offset);
  const computed = headerChecksum(bytes, at, sum);
  if (expected !== computed) {
    const message = `header error: checksum mismatch: expected ${expected}, computed ${computed}`;
    throw new TarSplitError('CHECKSUM_MISMATCH', offset, message);
  }
}

export function headerFormat(bytes: Uint8Array, at: number): HeaderFormat {
  if (isMagic(bytes, at, 'ustar\x0000')) return 'ustar';
  return isMagic(bytes, at, 'ustar  \0') ? 'gnu' : 'v7';
}

export function typeflag(bytes: Uint8Array, at: number): number {
  return bytes[at + FIELD.typeflag.start]!;
}

/** @throws {TarSplitError} INVALID_FIELD, INVALID_SIZE */
export function headerSize(bytes: Uint8Array, at: number, offset: number): number {
  const start = at + FIELD.size.start;
  const end = at + FIELD.size.end;
  return checkSize(isBase256(bytes, start) ? parseBase256(bytes, end) : parseOctal(bytes, start, end, offset), offset);
}

/** @throws {TarSplitError} INVALID_FIELD */
export function ownerFields(bytes: Uint8Array, at: number, format: HeaderFormat, offset: number): OwnerFields {
  const uid = parseUint32(bytes, at + FIELD.uid.start, at + FIELD.uid.end, offset);
  const gid = parseUint32(bytes, at + FIELD.gid.start, at + FIELD.gid.end, offset);
  const mtime = headerMtime(bytes, at, offset);
  const mode = parseUint32(bytes, at + FIELD.mode.start, at + FIELD.mode.end, offset);
  if (format === 'v7') return { mode, uid, gid, mtime };
  const major = parseOctal(bytes, at + FIELD.devmajor.start, at + FIELD.devmajor.end, offset) % 2 ** 32;
  const minor = parseOctal(bytes, at + FIELD.devminor.start, at + FIELD.devminor.end, offset) % 2 ** 32;
  return { mode, uid, gid, mtime, device: { major, minor } };
}

/** Whether a header without any record before it names its entry. */
export function hasName(bytes: Uint8Array, at: number, format: HeaderFormat): boolean {
  return bytes[at + FIELD.name.start] !== 0 || (format === 'ustar' && bytes[at + FIELD.prefix.start] !== 0);
}

/** The path that the header holds: with the prefix in front in a ustar header, and only there. A copy. */
export function headerPath(bytes: Uint8Array, at: number, format: HeaderFormat): Uint8Array<ArrayBuffer> {
  const name = nameField(bytes, at, FIELD.name);
  if (format !== 'ustar' || bytes[at + FIELD.prefix.start] === 0) return name;
  const prefix = nameField(bytes, at, FIELD.prefix);
  const path = new Uint8Array(prefix.length + 1 + name.length);
  path.set(prefix);
  path[prefix.length] = 0x2f;
  path.set(name, prefix.length + 1);
  return path;
}

/** The link target that the header holds, perhaps empty. A copy. */
export function headerLinkName(bytes: Uint8Array, at: number): Uint8Array<ArrayBuffer> {
  return nameField(bytes, at, FIELD.linkname);
}

function headerMtime(bytes: Uint8Array, at: number, offset: number): number | bigint {
  const start = at + FIELD.mtime.start;
  const end = at + FIELD.mtime.end;
  return isBase256(bytes, start) ? BigInt.asIntN(64, parseBase256(bytes, end)) : parseOctal(bytes, start, end, offset);
}

// Up to the first NUL; a field that is completely filled has none.
function nameField(bytes: Uint8Array, at: number, { start, end }: FieldRange): Uint8Array<ArrayBuffer> {
  let last = at + start;
  while (last < at + end && bytes[last] !== 0) last++;
  return copyBytes(bytes, at + start, last);
}

function isMagic(bytes: Uint8Array, at: number, magic: string): boolean {
  const start = at + FIELD.magic.start;
  for (let i = 0; i < magic.length; i++) if (bytes[start + i] !== magic.charCodeAt(i)) return false;
  return true;
}
