import type { Algorithm } from '@cfskit/fs-verity';
import { checkXattrs, RDEV_MAX, SIZE_MAX, TARGET_MAX } from './bounds.ts';
import { FsTreeError } from './errors.ts';
import { unescapeBytes, type ByteString } from './escape.ts';
import { kindOf } from './file-type.ts';
import type { Node } from './node.ts';
import { EPOCH, NO_XATTRS, PERMISSIONS, type Stat, type Time, type Xattrs } from './stat.ts';

/** What a line may hold. */
export interface DumpLineOptions {
  /** Which digests there may be. By default the first one decides. */
  readonly algorithm?: Algorithm;
  /** The longest inline content, in bytes. Default 5000; images of format 2 hold 512. */
  readonly maxContent?: number;
  /** The longest symbolic link target, in bytes. Default 4095; images of format 2 hold 1024. */
  readonly maxTarget?: number;
}

/** A line that describes a node. Fields that its kind does not use have been checked and left out. */
export interface NodeLine {
  readonly path: ByteString;
  readonly kind: Node['kind'];
  readonly stat: Stat;
  readonly nlink: number;
  readonly size: number;
  readonly rdev: number;
  readonly payload: ByteString | undefined;
  readonly content: ByteString | undefined;
  /** Lower-case hex. */
  readonly digest: string | undefined;
}

/** A line that gives another name to what a line with the path `target` describes, before it or after it. */
export interface LinkLine {
  readonly path: ByteString;
  readonly kind: 'hard-link';
  readonly target: ByteString;
}

/** A line of a dumpfile. */
export type ParsedLine = NodeLine | LinkLine;

/** Inline content of the largest file that the C tools take. */
const CONTENT_MAX = 5000;
const PAYLOAD_MAX = 4095;
const U32_MAX = 2 ** 32 - 1;
const NANOSECONDS_MAX = 999_999_999;
const FIELDS = 11;
/** Decimal numbers of up to this many digits are exact in whatever way they are computed. */
const SAFE_DIGITS = 15;

/** As many different sets of attributes are remembered: real trees have a few hundred labels in all. */
const XATTR_SETS = 4096;

/** Reads single lines. It remembers which algorithm the digests are of, and attributes and times that lines have in common. */
export class DumpLineParser {
  readonly #maxContent: number;
  readonly #maxTarget: number;
  #digestLength: number | undefined;
  readonly #xattrs = new Map<string, Xattrs>();
  #timeText = '';
  #time: Time = EPOCH;

  constructor(options: DumpLineOptions = {}) {
    this.#maxContent = options.maxContent ?? CONTENT_MAX;
    this.#maxTarget = options.maxTarget ?? TARGET_MAX;
    if (options.algorithm !== undefined) this.#digestLength = options.algorithm === 'sha256' ? 64 : 128;
  }

  /**
   * @param text the line without its line feed, one character per byte
   * @throws {FsTreeError} INVALID_DUMP, INVALID_XATTR
   */
  parse(text: ByteString): ParsedLine {
    const fields = new Fields(text);
    const path = unescape(fields.at(0), 'path', '');
    if (fields.count < FIELDS) throw invalid(path, `wanted ${FIELDS} fields, found ${fields.count}`);
    const mode = fields.at(2);
    return mode.startsWith('@') ? linkLine(path, mode, fields.at(8)) : this.#nodeLine(path, octal(mode, path), fields);
  }

  #nodeLine(path: ByteString, mode: number, fields: Fields): NodeLine {
    const kind = kindOf(mode);
    if (kind === undefined) throw invalid(path, `mode ${mode.toString(8)} names no file type`);
    const line: NodeLine = {
      path,
      kind,
      size: decimal(fields.at(1), SIZE_MAX, 'size', path),
      nlink: decimal(fields.at(3), U32_MAX, 'nlink', path),
      rdev: decimal(fields.at(6), RDEV_MAX, 'rdev', path),
      stat: {
        mode: mode & PERMISSIONS,
        uid: decimal(fields.at(4), U32_MAX, 'uid', path),
        gid: decimal(fields.at(5), U32_MAX, 'gid', path),
        mtime: this.#mtime(fields.at(7), path),
        xattrs: fields.rest === undefined ? NO_XATTRS : this.#xattrSet(fields.rest, path),
      },
      payload: optional(fields.at(8), 'payload', path),
      content: optional(fields.at(9), 'content', path),
      digest: this.#digest(fields.at(10), path),
    };
    if (line.payload === '') throw invalid(path, 'the payload is empty');
    if (kind === 'file') this.#checkFile(line);
    else this.#checkOther(line);
    return line;
  }

  #mtime(text: string, path: ByteString): Time {
    if (text !== this.#timeText) {
      this.#time = time(text, path);
      this.#timeText = text;
    }
    return this.#time;
  }

  #xattrSet(text: string, path: ByteString): Xattrs {
    const known = this.#xattrs.get(text);
    if (known !== undefined) return known;
    const set = xattrs(text.split(' '), path);
    if (this.#xattrs.size < XATTR_SETS) this.#xattrs.set(text, set);
    return set;
  }

  #checkFile({ path, size, rdev, payload, content, digest }: NodeLine): void {
    if (rdev !== 0) throw invalid(path, 'a regular file has no device number');
    if (content !== undefined) {
      if (payload !== undefined || digest !== undefined) throw invalid(path, 'content together with a payload or a digest');
      if (content.length !== size) throw invalid(path, `content of ${content.length} bytes in a file of ${size}`);
      if (size > this.#maxContent) throw invalid(path, `content of ${size} bytes, at most ${this.#maxContent} are possible`);
    } else if (payload !== undefined && (payload.length > PAYLOAD_MAX || payload.includes('\0'))) {
      throw invalid(path, `the payload is no path of at most ${PAYLOAD_MAX} bytes`);
    }
  }

  #checkOther({ path, kind, rdev, payload, content, digest }: NodeLine): void {
    if (content !== undefined && content !== '') throw invalid(path, `a ${kind} has no content`);
    if (digest !== undefined) throw invalid(path, `a ${kind} has no digest`);
    if (rdev !== 0 && kind !== 'character-device' && kind !== 'block-device') throw invalid(path, `a ${kind} has no device number`);
    if (kind !== 'symlink') return;
    if (payload === undefined || payload.includes('\0') || payload.length > this.#maxTarget) {
      throw invalid(path, `wanted a link target of 1 to ${this.#maxTarget} bytes without NUL, found ${payload?.length ?? 'none'}`);
    }
  }

  #digest(text: string, path: ByteString): string | undefined {
    if (text === '-') return undefined;
    this.#digestLength ??= text.length === 128 ? 128 : 64;
    if (text.length === this.#digestLength) {
      if (/^[0-9a-f]+$/.test(text)) return text;
      if (/^[0-9A-Fa-f]+$/.test(text)) return text.toLowerCase();
    }
    throw invalid(path, `wanted a digest of ${this.#digestLength} hex digits`);
  }
}

/** A line cut at its first eleven spaces. */
class Fields {
  readonly #text: string;
  readonly #ends: number[] = [];

  constructor(text: string) {
    this.#text = text;
    for (let end = text.indexOf(' '); end !== -1 && this.#ends.length < FIELDS; end = text.indexOf(' ', end + 1)) this.#ends.push(end);
    if (this.#ends.length < FIELDS) this.#ends.push(text.length);
  }

  get count(): number {
    return this.#ends.length;
  }

  at(index: number): string {
    return this.#text.slice(index === 0 ? 0 : this.#ends[index - 1]! + 1, this.#ends[index]);
  }

  /** What follows the space after the eleventh field, if there is one. */
  get rest(): string | undefined {
    const end = this.#ends[FIELDS - 1]!;
    return end === this.#text.length ? undefined : this.#text.slice(end + 1);
  }
}

function linkLine(path: ByteString, mode: string, field: string): LinkLine {
  const kind = kindOf(octal(mode.slice(1), path));
  if (kind === undefined || kind === 'directory') throw invalid(path, `mode ${mode} names no type that can be linked`);
  const target = optional(field, 'payload', path);
  if (target === undefined || target === '') throw invalid(path, 'hard link without a target');
  return { path, kind: 'hard-link', target };
}

// Splitting comes before unescaping, so an escaped `=` is no separator and `\x2d` is not "absent".
function xattrs(fields: readonly string[], path: ByteString): Xattrs {
  const map = new Map<ByteString, ByteString>();
  for (const field of fields) {
    const equals = field.indexOf('=');
    if (equals === -1) throw invalid(path, 'extended attribute without =');
    const name = unescape(field.slice(0, equals), 'name of an extended attribute', path);
    if (map.has(name)) throw invalid(path, 'two extended attributes with one name');
    map.set(name, unescape(field.slice(equals + 1), 'value of an extended attribute', path));
  }
  checkXattrs(path, map);
  return map;
}

function optional(field: string, what: string, path: ByteString): ByteString | undefined {
  return field === '-' ? undefined : unescape(field, what, path);
}

function unescape(field: string, what: string, path: ByteString): ByteString {
  const bytes = unescapeBytes(field);
  if (bytes === undefined) throw invalid(path, `${what} with a backslash that starts no escape`);
  return bytes;
}

function octal(text: string, path: ByteString): number {
  const digits = text.startsWith('+') ? text.slice(1) : text;
  const value = /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
  if (!(value <= U32_MAX)) throw invalid(path, `wanted an octal mode, found ${show(text)}`);
  return value;
}

function decimal(text: string, max: number, what: string, path: ByteString): number {
  const value = text.length <= SAFE_DIGITS ? smallDecimal(text) : largeDecimal(text);
  if (value === undefined || value > max) throw invalid(path, `wanted a ${what} from 0 to ${max}, found ${show(text)}`);
  return Number(value);
}

function time(text: string, path: ByteString): Time {
  const dot = text.indexOf('.');
  const seconds = dot === -1 ? undefined : signed(text.slice(0, dot));
  if (seconds === undefined) throw invalid(path, `wanted a time as seconds.nanoseconds, found ${show(text)}`);
  return { seconds, nanoseconds: decimal(text.slice(dot + 1), NANOSECONDS_MAX, 'number of nanoseconds', path) };
}

// A negative time has a minus sign, or, since one of the tools reads nothing else, the unsigned form of the same 64 bits.
function signed(text: string): bigint | undefined {
  const negative = text.startsWith('-');
  const digits = negative ? text.slice(1) : text;
  if (negative && digits.startsWith('+')) return undefined;
  const value = digits.length <= SAFE_DIGITS ? smallDecimal(digits) : largeDecimal(digits);
  if (value === undefined || value > (negative ? 2n ** 63n : 2n ** 64n - 1n)) return undefined;
  return BigInt.asIntN(64, negative ? -BigInt(value) : BigInt(value));
}

function smallDecimal(text: string): number | undefined {
  let at = text.startsWith('+') ? 1 : 0;
  if (at === text.length) return undefined;
  let value = 0;
  for (; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}

function largeDecimal(text: string): bigint | undefined {
  const digits = text.replace(/^\+?0*(?=[0-9])/, '');
  return /^[0-9]{1,20}$/.test(digits) ? BigInt(digits) : undefined;
}

function show(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

function invalid(path: ByteString, reason: string): FsTreeError {
  return new FsTreeError('INVALID_DUMP', path, reason);
}
