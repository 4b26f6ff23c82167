import { readFully } from '@cfskit/linux';
import { fstatSync } from 'node:fs';

/** Whether the file behind `fd` holds exactly `bytes`. */
export function hasContent(fd: number, bytes: Uint8Array): boolean {
  if (fstatSync(fd).size !== bytes.byteLength) return false;
  const buffer = Buffer.allocUnsafe(Math.min(bytes.byteLength, PIECE_SIZE));
  for (let at = 0; at < bytes.byteLength; at += PIECE_SIZE) {
    const expected = bytes.subarray(at, at + PIECE_SIZE);
    const found = buffer.subarray(0, readFully(fd, buffer.subarray(0, expected.byteLength), at));
    if (!found.equals(expected)) return false;
  }
  return true;
}

/** Whether two files hold the same bytes. Faster than hashing either of them. */
export function haveSameContent(one: number, other: number): boolean {
  const { size } = fstatSync(one);
  if (fstatSync(other).size !== size) return false;
  const first = Buffer.allocUnsafe(PIECE_SIZE);
  const second = Buffer.allocUnsafe(PIECE_SIZE);
  for (let at = 0; at < size; at += PIECE_SIZE) {
    const found = first.subarray(0, readFully(one, first, at));
    if (!found.equals(second.subarray(0, readFully(other, second, at)))) return false;
  }
  return true;
}

const PIECE_SIZE = 1 << 18;
