import { compareUtf8 } from '@cfskit/binary';
import { copyBytes } from './copy.ts';
import { TarSplitError } from './errors.ts';
import { checkSize, parseDecimal } from './number.ts';

/** An extended attribute: name without the `SCHILY.xattr.` in front, value verbatim. */
export interface TarXattr {
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

/** What the records of an `x` entry say about the entry after it. Byte strings are views into the record data. */
export interface PaxValues {
  readonly path?: Uint8Array;
  readonly linkPath?: Uint8Array;
  readonly size?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Signed 64 bits. */
  readonly mtime?: number | bigint;
  readonly nanoseconds: number;
  readonly sparseName?: Uint8Array;
  readonly sparse: boolean;
  /** Sorted by name; of two with one name, the last. */
  readonly xattrs: readonly TarXattr[];
}

const EQUALS = 0x3d;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const DOT = 0x2e;
const XATTR = 'SCHILY.xattr.';

/**
 * Read the data of an `x` record. Unknown keys are ignored; of two records with one key the last counts.
 *
 * @throws {TarSplitError} INVALID_PAX, INVALID_PAX_VALUE, INVALID_SIZE
 */
export function parsePax(data: Uint8Array, offset: number): PaxValues {
  const values: Writable<PaxValues> = { nanoseconds: 0, sparse: false, xattrs: [] };
  const sparse = new SparseKeys();
  const xattrs = new Map<string, Uint8Array>();
  let at = 0;
  while (at < data.length) {
    const record = nextRecord(data, at, offset);
    if (record === undefined) break;
    at = record.end;
    if (record.key.startsWith(XATTR)) xattrs.set(record.key.slice(XATTR.length), record.value);
    else if (!setValue(values, record.key, record.value, offset)) sparse.set(record.key, record.value, offset);
  }
  if (xattrs.size > 0) values.xattrs = sortXattrs(xattrs);
  values.sparse = sparse.found;
  return values;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

interface PaxRecord {
  readonly key: string;
  readonly value: Uint8Array;
  /** Where the next record starts. */
  readonly end: number;
}

// A record without a length ends the list without an error, as in the reference: some writers leave NULs behind the last one.
function nextRecord(data: Uint8Array, start: number, offset: number): PaxRecord | undefined {
  const space = data.indexOf(SPACE, start);
  if (space === -1) return undefined;
  const length = parseDecimal(data, start, space);
  if (length === undefined) return undefined;
  const end = start + Number(length);
  if (end > data.length || end <= space + 1 || data[end - 1] !== NEWLINE) throw malformed(offset);
  const equals = data.indexOf(EQUALS, space + 1);
  if (equals === -1 || equals >= end - 1) throw malformed(offset);
  const key = decodeUtf8(data.subarray(space + 1, equals));
  if (key === undefined) throw new TarSplitError('INVALID_PAX', offset, 'invalid UTF-8 in PAX key');
  return { key, value: data.subarray(equals + 1, end - 1), end };
}

function setValue(values: Writable<PaxValues>, key: string, value: Uint8Array, offset: number): boolean {
  switch (key) {
    case 'path':
      values.path = value;
      return true;
    case 'linkpath':
      values.linkPath = value;
      return true;
    case 'GNU.sparse.name':
      values.sparseName = value;
      return true;
    case 'size':
      values.size = checkSize(decimal(key, value, value.length, offset), offset);
      return true;
    case 'uid':
    case 'gid':
      values[key] = lowest32(decimal(key, value, value.length, offset));
      return true;
    case 'mtime':
      // The seconds of the last record count, the fraction of the first: what the reference shows.
      if (values.mtime === undefined) values.nanoseconds = nanoseconds(value);
      values.mtime = seconds(value, offset);
      return true;
    default:
      return false;
  }
}

/** The keys that describe a sparse file. Their numbers are checked like the others', and not used. */
class SparseKeys {
  #major: number | bigint | undefined;
  #minor: number | bigint | undefined;
  #offset = false;
  #map = false;

  get found(): boolean {
    return this.#map || (this.#major === 1 && this.#minor === 0);
  }

  set(key: string, value: Uint8Array, offset: number): void {
    switch (key) {
      case 'GNU.sparse.major':
        this.#major = decimal(key, value, value.length, offset);
        break;
      case 'GNU.sparse.minor':
        this.#minor = decimal(key, value, value.length, offset);
        break;
      case 'GNU.sparse.realsize':
      case 'GNU.sparse.size':
        decimal('GNU.sparse.realsize', value, value.length, offset);
        break;
      case 'GNU.sparse.offset':
        decimal(key, value, value.length, offset);
        this.#offset = true;
        break;
      case 'GNU.sparse.numbytes':
        decimal(key, value, value.length, offset);
        this.#map ||= this.#offset;
        this.#offset = false;
        break;
      case 'GNU.sparse.map':
        this.#map = true;
        break;
      default:
    }
  }
}

function seconds(value: Uint8Array, offset: number): number | bigint {
  const dot = value.indexOf(DOT);
  const number = decimal('mtime', value, dot === -1 ? value.length : dot, offset);
  return typeof number === 'bigint' ? BigInt.asIntN(64, number) : number;
}

function lowest32(number: number | bigint): number {
  return typeof number === 'bigint' ? Number(BigInt.asUintN(32, number)) : number % 2 ** 32;
}

// Nine digits after the first dot, missing ones are zeros; anything else there counts as no fraction.
function nanoseconds(value: Uint8Array): number {
  const dot = value.indexOf(DOT);
  if (dot === -1) return 0;
  const fraction = value.subarray(dot + 1, dot + 10);
  const number = parseDecimal(fraction, 0, fraction.length);
  return number === undefined || fraction[0] === 0x2b ? 0 : Number(number) * 10 ** (9 - fraction.length);
}

function decimal(key: string, value: Uint8Array, end: number, offset: number): number | bigint {
  const number = parseDecimal(value, 0, end);
  // Digits are UTF-8; only what follows them, the fraction of a time, might not be.
  if (number !== undefined && (end === value.length || decodeUtf8(value) !== undefined)) return number;
  const shown = decodeUtf8(value) ?? '<non-UTF-8>';
  throw new TarSplitError('INVALID_PAX_VALUE', offset, `invalid PAX ${key} value: ${JSON.stringify(shown)}`);
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

function sortXattrs(xattrs: ReadonlyMap<string, Uint8Array>): TarXattr[] {
  const encoder = new TextEncoder();
  const sorted = [...xattrs].toSorted(([a], [b]) => compareUtf8(a, b));
  return sorted.map(([name, value]) => ({ name: encoder.encode(name), value: copyBytes(value) }));
}

function malformed(offset: number): TarSplitError {
  return new TarSplitError('INVALID_PAX', offset, 'PAX error: malformed PAX extension record');
}
