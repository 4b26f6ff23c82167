import { fromLatin1 } from '@cfskit/binary';
import type { ByteString } from '@cfskit/fs-tree';
import { BLOCK_SIZE, FIELD, headerChecksum, paddingOf, sumBlock, TYPE, type HeaderField } from '@cfskit/tar-split';
import { formatPax, type PaxRecord } from './pax.ts';
import { formatPaxTime } from './pax-value.ts';
import type { OutputEntry } from './plan.ts';
import { decodeDevice } from './tar-member.ts';

/** How headers are written. */
export interface TarWriterOptions {
  /** Leave names of owners out: some readers look them up on their own machine, and take its numbers. */
  readonly numericOwners?: boolean;
}

const FLAGS: Readonly<Record<OutputEntry['kind'], number>> = {
  file: TYPE.regular,
  'hard-link': TYPE.hardLink,
  symlink: TYPE.symlink,
  'character-device': TYPE.characterDevice,
  'block-device': TYPE.blockDevice,
  directory: TYPE.directory,
  fifo: TYPE.fifo,
};

/** The end of a tar: two blocks of zeros. */
export const TAR_END: Uint8Array<ArrayBuffer> = new Uint8Array(2 * BLOCK_SIZE);

/**
 * The header of an entry in canonical form: ustar, with a PAX header in front where something does not fit, and never GNU records. Equal entries
 * give equal bytes.
 */
export function encodeTarHeader(entry: OutputEntry, options: TarWriterOptions = {}): Uint8Array<ArrayBuffer> {
  const values = valuesOf(entry, options);
  const records = recordsFor(values, entry);
  if (records.length === 0) return headerBlock(values, FLAGS[entry.kind]);
  const pax = formatPax(records);
  const bytes = new Uint8Array(2 * BLOCK_SIZE + pax.length + paddingOf(pax.length));
  bytes.set(headerBlock(paxHeader(pax.length), TYPE.pax));
  bytes.set(pax, BLOCK_SIZE);
  bytes.set(headerBlock(values, FLAGS[entry.kind]), bytes.length - BLOCK_SIZE);
  return bytes;
}

/** What the fields of a header have to say, whether it fits or not. */
interface HeaderValues {
  readonly path: ByteString;
  readonly linkpath: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly seconds: bigint;
  readonly uname: ByteString;
  readonly gname: ByteString;
  readonly device?: { readonly major: number; readonly minor: number };
}

function valuesOf(entry: OutputEntry, { numericOwners = false }: TarWriterOptions): HeaderValues {
  const { stat, kind } = entry;
  return {
    path: pathOf(entry),
    linkpath: entry.target,
    mode: stat.mode,
    uid: stat.uid,
    gid: stat.gid,
    size: entry.size,
    seconds: stat.mtime.seconds,
    uname: numericOwners ? '' : stat.uname,
    gname: numericOwners ? '' : stat.gname,
    ...((kind === 'character-device' || kind === 'block-device') && { device: decodeDevice(entry.rdev) }),
  };
}

function pathOf({ path, kind }: OutputEntry): ByteString {
  if (path === '') return './';
  return kind === 'directory' ? `${path}/` : path;
}

function paxHeader(size: number): HeaderValues {
  return { path: 'PaxHeaders/entry', linkpath: '', mode: 0o644, uid: 0, gid: 0, size, seconds: 0n, uname: '', gname: '' };
}

const UID_END = 0o10000000;
const SIZE_END = 0o100000000000;
const SECONDS_END = 0o100000000000n;
const NAME_SIZE = 100;
const OWNER_NAME_SIZE = 31;
const NOT_ASCII = /[\x80-\xff]/;

/** What goes into a PAX header: in a fixed order what does not fit, then attributes and everything else, each sorted. */
function recordsFor(values: HeaderValues, { stat, kind }: OutputEntry): PaxRecord[] {
  const records: PaxRecord[] = [];
  const add = (needed: boolean, key: string, value: string): void => {
    if (needed) records.push([key, value]);
  };
  const { uid, gid, size, seconds, uname, gname, path, linkpath } = values;
  add(gid >= UID_END, 'gid', String(gid));
  add(gname.length > OWNER_NAME_SIZE || NOT_ASCII.test(gname), 'gname', gname);
  add(linkpath.length > NAME_SIZE || NOT_ASCII.test(linkpath), 'linkpath', linkpath);
  add(seconds < 0n || seconds >= SECONDS_END || stat.mtime.nanoseconds !== 0, 'mtime', formatPaxTime(stat.mtime));
  add(splitName(path) === undefined || NOT_ASCII.test(path), 'path', path);
  add(size >= SIZE_END, 'size', String(size));
  add(uid >= UID_END, 'uid', String(uid));
  add(uname.length > OWNER_NAME_SIZE || NOT_ASCII.test(uname), 'uname', uname);
  if (kind === 'hard-link') return records;
  for (const [name, value] of sorted(stat.xattrs)) records.push([`SCHILY.xattr.${name}`, value]);
  records.push(...sorted(stat.records));
  return records;
}

function sorted(pairs: Iterable<PaxRecord>): PaxRecord[] {
  return [...pairs].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function headerBlock(values: HeaderValues, flag: number): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK_SIZE);
  const { path, linkpath, device } = values;
  const { name, prefix } = splitName(path) ?? { name: path.slice(0, NAME_SIZE - 1), prefix: '' };
  putText(block, 'name', name);
  putText(block, 'prefix', prefix);
  putOctal(block, 'mode', values.mode);
  putOctal(block, 'uid', values.uid < UID_END ? values.uid : 0);
  putOctal(block, 'gid', values.gid < UID_END ? values.gid : 0);
  putOctal(block, 'size', values.size < SIZE_END ? values.size : 0);
  putOctal(block, 'mtime', values.seconds >= 0n && values.seconds < SECONDS_END ? Number(values.seconds) : 0);
  block[FIELD.typeflag.start] = flag;
  putText(block, 'linkname', linkpath.slice(0, NAME_SIZE));
  putText(block, 'magic', 'ustar\0');
  putText(block, 'version', '00');
  putText(block, 'uname', values.uname.slice(0, OWNER_NAME_SIZE));
  putText(block, 'gname', values.gname.slice(0, OWNER_NAME_SIZE));
  putOctal(block, 'devmajor', device?.major ?? 0);
  putOctal(block, 'devminor', device?.minor ?? 0);
  const sum = headerChecksum(block, 0, sumBlock(block, 0));
  putText(block, 'checksum', `${sum.toString(8).padStart(6, '0')}\0 `);
  return block;
}

/** A path as the two fields hold it; nothing if it does not fit. A directory's slash at the end stays with the name. */
function splitName(path: ByteString): { readonly name: ByteString; readonly prefix: ByteString } | undefined {
  if (path.length <= NAME_SIZE) return { name: path, prefix: '' };
  const slash = path.indexOf('/', path.length - NAME_SIZE - 1);
  if (slash <= 0 || slash > PREFIX_SIZE || slash >= path.length - 1) return undefined;
  return { name: path.slice(slash + 1), prefix: path.slice(0, slash) };
}

const PREFIX_SIZE = 155;

function putText(block: Uint8Array, field: HeaderField, text: ByteString): void {
  if (text !== '') block.set(fromLatin1(text), FIELD[field].start);
}

/** As many digits as the field holds in front of a NUL. */
function putOctal(block: Uint8Array, field: HeaderField, value: number): void {
  const { start, end } = FIELD[field];
  putText(block, field, value.toString(8).padStart(end - start - 1, '0'));
}
