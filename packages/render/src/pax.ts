import { fromLatin1, toLatin1 } from '@cfskit/binary';
import type { ByteString } from '@cfskit/fs-tree';
import { RenderError } from './errors.ts';

/** One record of a PAX header: key and value as byte strings. */
export type PaxRecord = readonly [key: ByteString, value: ByteString];

const SPACE = 0x20;
const EQUALS = 0x3d;
const NEWLINE = 0x0a;
const ZERO = 0x30;
const NINE = 0x39;

/**
 * The records in the data of an `x` or `g` header, in their order, repeated keys included. NULs behind the last one are ignored, as some
 * writers leave them there.
 *
 * @throws {RenderError} INVALID_PAX for anything that is no record
 */
export function parsePax(data: Uint8Array, offset: number): PaxRecord[] {
  const records: PaxRecord[] = [];
  let at = 0;
  while (at < data.length && data[at] !== 0) {
    const { space, end } = recordRange(data, at, offset);
    const equals = data.indexOf(EQUALS, space + 1);
    if (equals <= space + 1 || equals >= end - 1) throw malformed(offset, 'without a key');
    const key = toLatin1(data.subarray(space + 1, equals));
    if (key.includes('\0')) throw malformed(offset, 'with a NUL in its key');
    records.push([key, toLatin1(data.subarray(equals + 1, end - 1))]);
    at = end;
  }
  if (data.subarray(at).some((byte) => byte !== 0)) throw malformed(offset, 'behind the last one');
  return records;
}

/** The data of an `x` header. */
export function formatPax(records: readonly PaxRecord[]): Uint8Array<ArrayBuffer> {
  return fromLatin1(records.map(formatRecord).join(''));
}

/** `<length> <key>=<value>\n`; the length counts its own digits. */
function formatRecord([key, value]: PaxRecord): ByteString {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

function recordRange(data: Uint8Array, start: number, offset: number): { space: number; end: number } {
  let length = 0;
  let at = start;
  for (; at < data.length && data[at] !== SPACE; at++) {
    const digit = data[at]!;
    if (digit < ZERO || digit > NINE || length > data.length) throw malformed(offset, 'without a length');
    length = length * 10 + (digit - ZERO);
  }
  const end = start + length;
  if (end > data.length || end <= at + 1 || data[end - 1] !== NEWLINE) throw malformed(offset, 'that ends elsewhere than it says');
  return { space: at, end };
}

function malformed(offset: number, what: string): RenderError {
  return new RenderError('INVALID_PAX', `malformed PAX record, ${what}`, { offset });
}
