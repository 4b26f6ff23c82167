import { struct, u64Big, type Struct } from '@cfskit/binary';
import { SplitstreamError } from './errors.ts';

/** Where a section lies in the file: 16 bytes, offsets from the start of the file. `bigint`, because a hostile one may be anything. */
export interface FileRange {
  readonly start: bigint;
  readonly end: bigint;
}

/** A range as every structure of the file has it. */
export const fileRange: Struct<FileRange> = struct<FileRange>({
  start: u64Big, //  0
  end: u64Big, //    8  exclusive
});

/** A section that lies inside the file. */
export interface Section {
  readonly start: number;
  readonly end: number;
}

/**
 * Check a range before anything is read or allocated. An empty one is fine wherever it points, since nothing is read there.
 *
 * @param maxLength what a reader is willing to hold; Infinity for a section that is streamed
 * @throws {SplitstreamError} NEGATIVE_RANGE, OVERSIZED_SECTION, INCOMPLETE_READ
 */
export function checkRange({ start, end }: FileRange, fileSize: number, maxLength: number): Section {
  if (end < start) throw new SplitstreamError('NEGATIVE_RANGE', 'Negative-sized range in splitstream');
  if (end === start) return { start: 0, end: 0 };
  if (end - start > maxLength) {
    throw new SplitstreamError('OVERSIZED_SECTION', 'Unable to allocate buffer for implausibly large splitstream section');
  }
  if (end > fileSize) throw incompleteRead();
  return { start: Number(start), end: Number(end) };
}

/** The error of a section that its file does not hold. */
export function incompleteRead(): SplitstreamError {
  return new SplitstreamError('INCOMPLETE_READ', 'Incomplete read from splitstream file');
}
