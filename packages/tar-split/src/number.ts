import { toLatin1 } from '@cfskit/binary';
import { ENTRY_SIZE_MAX } from './block.ts';
import { TarSplitError } from './errors.ts';

const NINE = 0x39;
const PLUS = 0x2b;
const SEVEN = 0x37;
const ZERO = 0x30;
const U64_MAX = 2n ** 64n - 1n;
const U64_DIGITS = 20;
const SAFE_DIGITS = 15;

/**
 * An octal header field: text up to the first NUL, white space around it ignored, nothing left means 0.
 *
 * Fields have at most twelve characters, so the value is below 2^36.
 *
 * @throws {TarSplitError} INVALID_FIELD
 */
export function parseOctal(bytes: Uint8Array, start: number, end: number, offset: number): number {
  let at = start;
  while (at < end && isSpace(bytes[at]!)) at++;
  let last = at;
  while (last < end && bytes[last] !== 0) last++;
  while (last > at && isSpace(bytes[last - 1]!)) last--;
  if (at === last) return 0;
  if (bytes[at] === PLUS) at++;
  if (at === last) throw invalidField(bytes, start, end, offset);
  let value = 0;
  for (; at < last; at++) {
    const digit = bytes[at]!;
    if (digit < ZERO || digit > SEVEN) throw invalidField(bytes, start, end, offset);
    value = value * 8 + (digit - ZERO);
  }
  return value;
}

/** Whether a numeric header field holds a binary number: the top bit is set, the rest is big-endian. */
export function isBase256(bytes: Uint8Array, start: number): boolean {
  return (bytes[start]! & 0x80) !== 0;
}

/** A field that is cut to its lowest 32 bits: mode, user and group. */
export function parseUint32(bytes: Uint8Array, start: number, end: number, offset: number): number {
  if (!isBase256(bytes, start)) return parseOctal(bytes, start, end, offset) % 2 ** 32;
  const at = end - 4;
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** The lowest 64 bits of a base-256 field. What lies above is dropped, as the reference does. */
export function parseBase256(bytes: Uint8Array, end: number): bigint {
  let value = 0n;
  for (let at = end - 8; at < end; at++) value = (value << 8n) | BigInt(bytes[at]!);
  return value;
}

/** @throws {TarSplitError} INVALID_SIZE */
export function checkSize(size: bigint | number, offset: number): number {
  if (size > ENTRY_SIZE_MAX) throw new TarSplitError('INVALID_SIZE', offset, `invalid entry size: ${size}`);
  return Number(size);
}

/**
 * An unsigned 64-bit decimal number, a plus sign in front allowed; nothing if the text is anything else.
 *
 * A number up to fifteen digits, a bigint beyond: sizes, ids and times of real archives never need one.
 */
export function parseDecimal(bytes: Uint8Array, start: number, end: number): number | bigint | undefined {
  let at = bytes[start] === PLUS ? start + 1 : start;
  if (at >= end) return undefined;
  while (at < end - 1 && bytes[at] === ZERO) at++;
  let value = 0;
  for (let i = at; i < end; i++) {
    const digit = bytes[i]!;
    if (digit < ZERO || digit > NINE) return undefined;
    value = value * 10 + (digit - ZERO);
  }
  if (end - at <= SAFE_DIGITS) return value;
  if (end - at > U64_DIGITS) return undefined;
  const exact = BigInt(toLatin1(bytes.subarray(at, end)));
  return exact <= U64_MAX ? exact : undefined;
}

function invalidField(bytes: Uint8Array, start: number, end: number, offset: number): TarSplitError {
  const shown = bytes.subarray(start, end).join(', ');
  return new TarSplitError('INVALID_FIELD', offset, `header error: invalid octal field: [${shown}]`);
}

// Tab, line feed, vertical tab, form feed, carriage return, space.
function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
