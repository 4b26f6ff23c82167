import { bytes, concatBytes, encode, struct, u8, type Struct } from '@cfskit/binary';
import { BLOCK_SIZE } from '@cfskit/tar-split';

/** A ustar header, 512 bytes. Numbers are octal digits with a NUL behind them. POSIX.1-2017, pax, "ustar Interchange Format". */
interface UstarHeader {
  readonly name: Uint8Array;
  readonly mode: Uint8Array;
  readonly uid: Uint8Array;
  readonly gid: Uint8Array;
  readonly size: Uint8Array;
  readonly mtime: Uint8Array;
  readonly checksum: Uint8Array;
  readonly typeflag: number;
  readonly linkName: Uint8Array;
  readonly magic: Uint8Array;
  readonly userName: Uint8Array;
  readonly groupName: Uint8Array;
  readonly major: Uint8Array;
  readonly minor: Uint8Array;
  readonly prefix: Uint8Array;
  readonly unused: Uint8Array;
}

const header: Struct<UstarHeader> = struct({
  name: bytes(100), //        0
  mode: bytes(8), //        100
  uid: bytes(8), //         108
  gid: bytes(8), //         116
  size: bytes(12), //       124
  mtime: bytes(12), //      136
  checksum: bytes(8), //    148  sum of all bytes, these taken as spaces
  typeflag: u8, //          156
  linkName: bytes(100), //  157
  magic: bytes(8), //       257  "ustar", NUL, "00"
  userName: bytes(32), //   265
  groupName: bytes(32), //  297
  major: bytes(8), //       329
  minor: bytes(8), //       337
  prefix: bytes(155), //    345
  unused: bytes(12), //     500
});

const REGULAR = 0x30;
const DIRECTORY = 0x35;
const PAX = 0x78;
const MAX_NAME = 100;
const MAX_OCTAL = 8 ** 11 - 1;

/**
 * What stands before the content of a file in a tar: its header, and a pax record before it for a name of more than 100 bytes or a size
 * of 8 GiB or more. Mode 0644, owner and time 0: the same name and size give the same bytes.
 */
export function tarFileHeader(name: string, size: number): Uint8Array<ArrayBuffer> {
  const records = [
    ...(name.length > MAX_NAME ? [paxRecord('path', name)] : []),
    ...(size > MAX_OCTAL ? [paxRecord('size', String(size))] : []),
  ].join('');
  const own = ustar(name.slice(0, MAX_NAME), size > MAX_OCTAL ? 0 : size, REGULAR);
  if (records === '') return own;
  return concatBytes([ustar('PaxHeaders/blob', records.length, PAX), padded(records), own]);
}

/** Bytes of zeros between the end of a content and the next header. */
export function tarPadding(size: number): number {
  return (BLOCK_SIZE - (size % BLOCK_SIZE)) % BLOCK_SIZE;
}

/** Bytes of zeros at the end of a tar. */
export const TAR_END_SIZE: number = 2 * BLOCK_SIZE;

/** The header of a directory, mode 0755, owner and time 0. */
export function tarDirectoryHeader(name: string): Uint8Array<ArrayBuffer> {
  return ustar(`${name}/`, 0, DIRECTORY, 0o755);
}

function ustar(name: string, size: number, typeflag: number, mode = 0o644): Uint8Array<ArrayBuffer> {
  const fields: UstarHeader = {
    name: text(name, 100),
    mode: octal(mode, 8),
    uid: octal(0, 8),
    gid: octal(0, 8),
    size: octal(size, 12),
    mtime: octal(0, 12),
    checksum: text(' '.repeat(8), 8),
    typeflag,
    linkName: text('', 100),
    magic: text('ustar\x0000', 8),
    userName: text('', 32),
    groupName: text('', 32),
    major: octal(0, 8),
    minor: octal(0, 8),
    prefix: text('', 155),
    unused: text('', 12),
  };
  const sum = encode(header, fields).reduce((total, byte) => total + byte, 0);
  return encode(header, { ...fields, checksum: text(`${sum.toString(8).padStart(6, '0')}\0 `, 8) });
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

function padded(records: string): Uint8Array {
  return text(records, records.length + tarPadding(records.length));
}

function octal(value: number, size: number): Uint8Array {
  return text(value.toString(8).padStart(size - 1, '0'), size);
}

/** The names here are ASCII. */
function text(value: string, size: number): Uint8Array {
  const field = new Uint8Array(size);
  new TextEncoder().encodeInto(value, field);
  return field;
}
