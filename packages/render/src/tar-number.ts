import type { FieldRange } from '@cfskit/tar-split';
import { RenderError } from './errors.ts';

const SPACE = 0x20;
const ZERO = 0x30;
const SEVEN = 0x37;
const BASE256 = 0x80;
const NEGATIVE = 0x40;

/**
 * A numeric header field: octal text between spaces and NULs, nothing meaning 0, or a big-endian two's complement number where the first bit
 * is set. Octal fields hold at most twelve digits, so that the value is exact.
 *
 * @param offset of the block in the tar, for errors
 * @throws {RenderError} INVALID_HEADER
 */
export function readNumber(bytes: Uint8Array, at: number, { start, end }: FieldRange, offset: number): number | bigint {
  const first = at + start;
  return (bytes[first]! & BASE256) === 0 ? readOctal(bytes, first, at + end, offset) : readBase256(bytes, first, at + end);
}

/** The lowest 32 bits: what Linux keeps of an owner. */
export function lowest32(value: number | bigint): number {
  if (typeof value === 'number' && value >= 0 && value <= 0xffffffff) return value;
  return Number(BigInt.asUintN(32, BigInt(value)));
}

function readOctal(bytes: Uint8Array, start: number, end: number, offset: number): number {
  let at = start;
  let last = end;
  while (at < last && isBlank(bytes[at]!)) at++;
  while (last > at && isBlank(bytes[last - 1]!)) last--;
  let value = 0;
  for (; at < last; at++) {
    const digit = bytes[at]!;
    if (digit === 0) return value; // what stands behind a NUL is left over from something else
    if (digit < ZERO || digit > SEVEN) throw new RenderError('INVALID_HEADER', 'header with a field that is no octal number', { offset });
    value = value * 8 + (digit - ZERO);
  }
  return value;
}

function readBase256(bytes: Uint8Array, start: number, end: number): bigint {
  let value = BigInt(bytes[start]! & (NEGATIVE - 1)) - BigInt(bytes[start]! & NEGATIVE);
  for (let at = start + 1; at < end; at++) value = (value << 8n) | BigInt(bytes[at]!);
  return value;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === 0;
}
