import { toLatin1 } from '@cfskit/binary';
import { NO_XATTRS, PERMISSIONS, type ByteString, type Time, type Xattrs } from '@cfskit/fs-tree';
import { entryType, FIELD, TYPE, type FieldRange, type TarEntryType } from '@cfskit/tar-split';
import { RenderError } from './errors.ts';
import type { GlobalRecords } from './global-records.ts';
import type { PaxRecord } from './pax.ts';
import { FIELDS, REAL_SIZE, setOrDelete, SPARSE, textValue, TIMES, XATTR, xattrName } from './pax-key.ts';
import { parsePaxInteger, parsePaxTime } from './pax-value.ts';
import type { SharedValues } from './shared-values.ts';
import { lowest32, readNumber } from './tar-number.ts';

/** One entry of a layer's tar, with everything that its records say about it. Names are byte strings. */
export interface TarMember {
  /** Where its header block stands in the tar. */
  readonly offset: number;
  /** As in the tar. */
  readonly path: ByteString;
  readonly kind: TarEntryType;
  /** Permission bits only. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly uname: ByteString;
  readonly gname: ByteString;
  readonly mtime: Time;
  readonly xattrs: Xattrs;
  /** PAX records that nothing here looks at. */
  readonly records: readonly PaxRecord[];
  /** Bytes that the header announces in the tar. */
  readonly storedSize: number;
  /** Of links; empty where there is none. */
  readonly target: ByteString;
  /** Of devices, as Linux encodes it in 32 bits. */
  readonly rdev: number;
  /** Records of a sparse file, in their order. */
  readonly sparse: readonly PaxRecord[];
}

/** What stood in front of a header block. */
export interface MemberMetadata {
  readonly longName?: ByteString;
  readonly longLink?: ByteString;
  readonly records?: readonly PaxRecord[];
  /** Nothing while there are none. */
  readonly globals?: GlobalRecords;
  /** Of the whole tar. */
  readonly shared: SharedValues;
}

/** Sizes above this would not be exact with their padding. */
const SIZE_MAX: number = Number.MAX_SAFE_INTEGER - 511;
const NO_RECORDS: readonly PaxRecord[] = [];

/**
 * What a header block and the records in front of it say.
 *
 * @param at where the block starts in `bytes`
 * @throws {RenderError} INVALID_HEADER, INVALID_PAX
 */
export function describeMember(bytes: Uint8Array, at: number, offset: number, metadata: MemberMetadata): TarMember {
  const records = sortRecords(metadata, offset);
  const { fields } = records;
  const path = firstOf(fields.get(`${SPARSE}name`), metadata.longName, fields.get('path')) ?? headerPath(bytes, at);
  const flag = bytes[at + FIELD.typeflag.start]!;
  const kind = kindOf(flag, path);
  const storedSize = sizeOf(fields, readNumber(bytes, at, FIELD.size, offset), offset);
  if (storedSize > 0 && kind !== 'file') {
    // Readers do not agree on whether bytes follow such a header, so that one could hide entries from another.
    throw new RenderError('INVALID_HEADER', `${kind} with ${storedSize} bytes of content`, { offset, path });
  }
  return {
    offset,
    path,
    kind,
    mode: lowest32(readNumber(bytes, at, FIELD.mode, offset)) & PERMISSIONS,
    uid: ownerOf(fields, 'uid', readNumber(bytes, at, FIELD.uid, offset), offset),
    gid: ownerOf(fields, 'gid', readNumber(bytes, at, FIELD.gid, offset), offset),
    uname: metadata.shared.text(fields.get('uname') ?? ownerName(bytes, at, FIELD.uname)),
    gname: metadata.shared.text(fields.get('gname') ?? ownerName(bytes, at, FIELD.gname)),
    mtime: timeOf(fields, bytes, at, offset, metadata.shared),
    xattrs: records.xattrs,
    records: records.others,
    storedSize,
    target: isLink(kind) ? (metadata.longLink ?? fields.get('linkpath') ?? text(bytes, at, FIELD.linkname)) : '',
    rdev: isDevice(kind) ? deviceOf(bytes, at, offset) : 0,
    sparse: records.sparse,
  };
}

interface SortedRecords {
  readonly fields: ReadonlyMap<ByteString, ByteString>;
  readonly xattrs: Xattrs;
  readonly others: readonly PaxRecord[];
  readonly sparse: readonly PaxRecord[];
}

const NONE: SortedRecords = { fields: new Map(), xattrs: NO_XATTRS, others: NO_RECORDS, sparse: NO_RECORDS };

/**
 * The last record with a key counts, and an empty value takes the key back; the entry's own ones come after the global ones. Without own ones,
 * what the global ones say is shared by all entries.
 */
function sortRecords({ globals, records = NO_RECORDS }: MemberMetadata, offset: number): SortedRecords {
  if (records.length === 0) return globals === undefined ? NONE : { ...NONE, fields: globals.fields, xattrs: globals.xattrs };
  const fields = new Map<ByteString, ByteString>(globals?.fields);
  const xattrs = new Map<ByteString, ByteString>();
  const others = new Map<ByteString, ByteString>();
  for (const [key, value] of records) {
    if (TIMES.has(key) && value !== '') parsePaxTime(key, value, offset); // other readers refuse what they cannot read, so that it is not passed on
    if (key.startsWith(XATTR)) xattrs.set(xattrName(key, offset), value);
    else if (key !== REAL_SIZE)
      setOrDelete(FIELDS.has(key) || key.startsWith(SPARSE) ? fields : others, key, textValue(key, value, offset));
  }
  const sparse = records.filter(([key]) => key.startsWith(SPARSE));
  return { fields, xattrs: allXattrs(globals, xattrs), others: others.size === 0 ? NO_RECORDS : [...others], sparse };
}

function allXattrs(globals: GlobalRecords | undefined, own: Xattrs): Xattrs {
  if (own.size === 0) return globals?.xattrs ?? NO_XATTRS;
  return globals === undefined ? own : new Map([...globals.xattrs, ...own]);
}

function firstOf(...names: readonly (ByteString | undefined)[]): ByteString | undefined {
  return names.find((name) => name !== undefined);
}

/** In a header of the first Unix tars a slash at the end of the name is what makes a directory. */
function kindOf(flag: number, path: ByteString): TarEntryType {
  if (flag === TYPE.regularOld && path.endsWith('/')) return 'directory';
  return entryType(flag) ?? 'file';
}

function isLink(kind: TarEntryType): boolean {
  return kind === 'symlink' || kind === 'hard-link';
}

function isDevice(kind: TarEntryType): boolean {
  return kind === 'character-device' || kind === 'block-device';
}

function sizeOf(fields: SortedRecords['fields'], header: number | bigint, offset: number): number {
  const record = fields.get('size');
  const size = record === undefined ? header : parsePaxInteger('size', record, offset);
  if (size < 0 || size > SIZE_MAX) throw new RenderError('INVALID_HEADER', `entry with a size of ${size}`, { offset });
  return Number(size);
}

function ownerOf(fields: SortedRecords['fields'], key: 'uid' | 'gid', header: number | bigint, offset: number): number {
  const record = fields.get(key);
  return lowest32(record === undefined ? header : parsePaxInteger(key, record, offset));
}

function timeOf(fields: SortedRecords['fields'], bytes: Uint8Array, at: number, offset: number, shared: SharedValues): Time {
  const record = fields.get('mtime');
  if (record !== undefined) return parsePaxTime('mtime', record, offset);
  return shared.wholeSeconds(readNumber(bytes, at, FIELD.mtime, offset));
}

/** The two forms of the magic: with version 00, and the one that GNU tar used before. */
const USTAR = 'ustar\0';
const GNU = 'ustar ';

/** Whether the header is of the kind that GNU tar writes. */
export function isGnu(bytes: Uint8Array, at: number): boolean {
  return hasText(bytes, at + FIELD.magic.start, GNU);
}

function headerPath(bytes: Uint8Array, at: number): ByteString {
  const name = text(bytes, at, FIELD.name);
  if (bytes[at + FIELD.prefix.start] === 0 || !hasText(bytes, at + FIELD.magic.start, USTAR)) return name;
  // Star keeps times where the prefix of others ends, and says so in the last bytes of the block.
  const { start, end } = FIELD.prefix;
  return `${text(bytes, at, hasText(bytes, at + 508, 'tar\0') ? { start, end: end - 24 } : { start, end })}/${name}`;
}

function ownerName(bytes: Uint8Array, at: number, range: FieldRange): ByteString {
  return hasText(bytes, at + FIELD.magic.start, 'ustar') ? text(bytes, at, range) : '';
}

function deviceOf(bytes: Uint8Array, at: number, offset: number): number {
  if (!hasText(bytes, at + FIELD.magic.start, 'ustar')) {
    throw new RenderError('INVALID_HEADER', 'device in a header without device numbers', { offset });
  }
  const major = readNumber(bytes, at, FIELD.devmajor, offset);
  const minor = readNumber(bytes, at, FIELD.devminor, offset);
  if (major < 0 || major > 0xfff || minor < 0 || minor > 0xfffff) {
    throw new RenderError('INVALID_HEADER', `device ${major}:${minor}, which Linux has no number for`, { offset });
  }
  return encodeDevice(Number(major), Number(minor));
}

/** Linux' device number of 32 bits: twelve for the major number in the middle of twenty for the minor one. */
function encodeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & 0xfff00) << 12)) >>> 0;
}

/** Major and minor number of a device. */
export function decodeDevice(rdev: number): { major: number; minor: number } {
  return { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) };
}

/** Up to the first NUL; a field that is full has none. */
function text(bytes: Uint8Array, at: number, { start, end }: FieldRange): ByteString {
  let last = at + start;
  while (last < at + end && bytes[last] !== 0) last++;
  return last === at + start ? '' : toLatin1(bytes.subarray(at + start, last));
}

function hasText(bytes: Uint8Array, at: number, wanted: string): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted.charCodeAt(i)) return false;
  return true;
}
