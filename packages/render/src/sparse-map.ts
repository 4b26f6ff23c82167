import { RenderError } from './errors.ts';
import type { PaxRecord } from './pax.ts';
import type { TarMember } from './tar-member.ts';
import { readNumber } from './tar-number.ts';

/** A piece of a file that the tar has the bytes of. All between them are zeros. */
export interface Segment {
  readonly offset: number;
  readonly size: number;
}

/** What a file with holes looks like. */
export interface SparseMap {
  readonly segments: readonly Segment[];
  /** Size of the file, holes included. */
  readonly size: number;
}

/** Where the map begins in a header of GNU tar's first form, and in the blocks that follow it. */
const OLD_GNU = {
  header: { map: 386, count: 4, extended: 482, realSize: { start: 483, end: 495 } },
  block: { map: 0, count: 21, extended: 504 },
} as const;
const NUMBER_SIZE = 12;

/** How a file says that it has holes: in its header, in its PAX records, or at the beginning of its content. */
export type SparseForm = 'none' | 'records' | 'content';

/** @throws {RenderError} INVALID_SPARSE for a version of the format that nobody writes */
export function sparseForm({ kind, sparse, offset }: TarMember): SparseForm {
  if (kind !== 'file' || sparse.length === 0) return 'none';
  const version = ['major', 'minor'].map((key) => valueOf(sparse, key) ?? '').join('.');
  if (version === '1.0') return 'content';
  if (sparse.some(([key]) => key === 'GNU.sparse.map' || key === 'GNU.sparse.offset')) return 'records';
  if (version === '.') return 'none';
  throw new RenderError('INVALID_SPARSE', `sparse file of version ${version}`, { offset });
}

/**
 * The map of a file whose records hold it, forms 0.0 and 0.1.
 *
 * @throws {RenderError} INVALID_SPARSE
 */
export function mapInRecords({ sparse, storedSize, offset }: TarMember): SparseMap {
  const list = valueOf(sparse, 'map');
  const numbers = list === undefined ? pairsOf(sparse) : list.split(',');
  const size = numberIn(valueOf(sparse, 'size') ?? valueOf(sparse, 'realsize') ?? '', offset);
  return checked(segmentsOf(numbers, offset), size, storedSize, offset);
}

/** The size of a file in form 1.0, as its records say it. */
export function realSizeInRecords({ sparse, offset }: TarMember): number {
  return numberIn(valueOf(sparse, 'realsize') ?? valueOf(sparse, 'size') ?? '', offset);
}

/**
 * Reads the map at the beginning of a file's content, form 1.0: the number of segments, then offset and size of each, a decimal number a
 * line, filled up to whole blocks.
 */
export class ContentMap {
  #text = '';
  #lines: string[] = [];

  /**
   * Take one more block.
   *
   * @returns the numbers behind the count, as soon as all are there
   * @throws {RenderError} INVALID_SPARSE
   */
  add(block: string, offset: number): readonly string[] | undefined {
    const lines = (this.#text + block).split('\n');
    this.#text = lines.pop()!;
    this.#lines.push(...lines);
    if (this.#lines.length === 0) return undefined;
    const wanted = numberIn(this.#lines[0]!, offset) * 2;
    return this.#lines.length > wanted ? this.#lines.slice(1, wanted + 1) : undefined;
  }
}

/**
 * The map of numbers that {@link ContentMap} read.
 *
 * @param stored bytes that are left for content
 * @throws {RenderError} INVALID_SPARSE
 */
export function mapOfNumbers(numbers: readonly string[], size: number, stored: number, offset: number): SparseMap {
  return checked(segmentsOf(numbers, offset), size, stored, offset);
}

/** Reads the map in the header of an old GNU sparse file, and in the blocks behind it. */
export class OldGnuMap {
  readonly #segments: Segment[] = [];
  readonly #size: number;
  /** Whether another block of the map follows. */
  extended: boolean;

  /** @throws {RenderError} INVALID_SPARSE, INVALID_HEADER */
  constructor(header: Uint8Array, at: number, offset: number) {
    const { map, count, extended, realSize } = OLD_GNU.header;
    this.#read(header, at + map, count, offset);
    this.#size = sizeOf(readNumber(header, at, realSize, offset), offset);
    this.extended = header[at + extended] !== 0;
  }

  /** @throws {RenderError} INVALID_SPARSE, INVALID_HEADER */
  add(block: Uint8Array, at: number, offset: number): void {
    const { map, count, extended } = OLD_GNU.block;
    this.#read(block, at + map, count, offset);
    this.extended = block[at + extended] !== 0;
  }

  /** @throws {RenderError} INVALID_SPARSE */
  finish(stored: number, offset: number): SparseMap {
    return checked(this.#segments, this.#size, stored, offset);
  }

  #read(bytes: Uint8Array, start: number, count: number, offset: number): void {
    for (let i = 0; i < count; i++) {
      const at = start + i * 2 * NUMBER_SIZE;
      if (bytes[at] === 0) return;
      const numbers = [0, 1].map((n) => readNumber(bytes, at, { start: n * NUMBER_SIZE, end: (n + 1) * NUMBER_SIZE }, offset));
      this.#segments.push({ offset: sizeOf(numbers[0]!, offset), size: sizeOf(numbers[1]!, offset) });
    }
  }
}

function checked(segments: readonly Segment[], size: number, stored: number, offset: number): SparseMap {
  let end = 0;
  let sum = 0;
  for (const segment of segments) {
    if (segment.offset < end) throw invalid('whose segments overlap', offset);
    end = segment.offset + segment.size;
    sum += segment.size;
  }
  if (end > size) throw invalid('with a segment behind its end', offset);
  if (sum !== stored) throw invalid(`with ${sum} bytes in its map and ${stored} in the tar`, offset);
  return { segments, size };
}

function valueOf(records: readonly PaxRecord[], key: string): string | undefined {
  return records.findLast(([name]) => name === `GNU.sparse.${key}`)?.[1];
}

/** Form 0.0 repeats two keys in turn. */
function pairsOf(records: readonly PaxRecord[]): string[] {
  return records.filter(([key]) => key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes').map(([, value]) => value);
}

function segmentsOf(numbers: readonly string[], offset: number): Segment[] {
  if (numbers.length % 2 !== 0) throw invalid('with half a segment in its map', offset);
  return Array.from({ length: numbers.length / 2 }, (_, i) => ({
    offset: numberIn(numbers[i * 2]!, offset),
    size: numberIn(numbers[i * 2 + 1]!, offset),
  }));
}

function numberIn(text: string, offset: number): number {
  if (!/^\d{1,16}$/.test(text)) throw invalid(`with ${JSON.stringify(text.slice(0, 40))} for a number`, offset);
  return sizeOf(Number(text), offset);
}

function sizeOf(value: number | bigint, offset: number): number {
  if (value < 0 || value >= 2 ** 52) throw invalid(`with a size of ${value}`, offset);
  return Number(value);
}

function invalid(what: string, offset: number): RenderError {
  return new RenderError('INVALID_SPARSE', `sparse file ${what}`, { offset });
}
