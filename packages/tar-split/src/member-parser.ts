import { BLOCK_SIZE } from './block.ts';
import { copyBytes } from './copy.ts';
import { TarSplitError } from './errors.ts';
import {
  hasName,
  headerFormat,
  headerSize,
  ownerFields,
  SPARSE_EXTENDED,
  typeflag,
  verifyChecksum,
  type HeaderFormat,
  type OwnerFields,
} from './header.ts';
import { parsePax, type PaxValues } from './pax.ts';
import { sumBlock, TYPE } from './ustar.ts';

/** The records of one entry, or one global record, hold at most this many bytes. */
const METADATA_MAX = 1024 * 1024;

/** A header with the records in front of it, checked, but with nothing resolved yet. */
export interface ParsedMember {
  /** The header block starts at `at` in `bytes`. Valid until the next block is parsed. */
  readonly bytes: Uint8Array;
  readonly at: number;
  /** Where the header block stands in the tar. */
  readonly offset: number;
  readonly format: HeaderFormat;
  readonly typeflag: number;
  /** Bytes of content. A PAX size has replaced the header's. */
  readonly size: number;
  readonly owner: OwnerFields;
  readonly longName?: Uint8Array;
  readonly longLink?: Uint8Array;
  readonly pax?: PaxValues;
  /** The content is no plain file: an old GNU sparse entry, or PAX records with a sparse map. */
  readonly sparse: boolean;
}

/**
 * What comes after a block: another block; the data of a record (`record.size` bytes, padded to blocks); the content of the entry
 * that is complete now (`member`); nothing that is parsed.
 */
export type AfterBlock = 'block' | 'record' | 'member' | 'end';

type RecordSlot = 'longName' | 'longLink' | 'pax' | 'global';

const DUPLICATE: Record<Exclude<RecordSlot, 'global'>, string> = {
  longName: 'duplicate GNU long name entry',
  longLink: 'duplicate GNU long link entry',
  pax: 'duplicate PAX extended header',
};

/**
 * Puts entries together from header blocks and record data. Splitting and listing share it, so that what one accepts the other reads.
 *
 * It never sees content: after `member`, the caller passes the next block that follows it.
 */
export class MemberParser {
  /** The record whose data is wanted, after `record`. */
  record: { readonly slot: RecordSlot; readonly size: number } = { slot: 'global', size: 0 };
  /** The entry, after `member`. */
  member: ParsedMember | undefined;

  #pending: Partial<Record<Exclude<RecordSlot, 'global'>, Uint8Array>> = {};
  #pendingSize = 0;
  #hasPending = false;
  #zeroBlock = false;
  #extended: ParsedMember | undefined;

  /** Whether the input may end here: no record waits for its entry, and no zero block for its second. */
  get idle(): boolean {
    return !this.#hasPending && !this.#zeroBlock && this.#extended === undefined;
  }

  /**
   * @param offset where the block stands in the tar, for errors
   * @throws {TarSplitError} as an import does, but not for sparse entries
   */
  block(bytes: Uint8Array, at: number, offset: number): AfterBlock {
    if (this.#extended !== undefined) return this.#sparseMap(bytes, at);
    const sum = sumBlock(bytes, at);
    if (sum === 0) return this.#zero(offset);
    this.#zeroBlock = false;
    verifyChecksum(bytes, at, sum, offset);
    const format = headerFormat(bytes, at);
    const flag = typeflag(bytes, at);
    const size = headerSize(bytes, at, offset);
    const slot = recordSlot(flag, format);
    if (slot !== undefined) return this.#announce(slot, size, offset);
    this.member = this.#complete(bytes, at, offset, format, flag, size);
    this.#clear();
    return this.#withSparseMap(this.member);
  }

  /** The data of the announced record, without padding. Kept until its entry is complete. */
  recordData(data: Uint8Array): void {
    const { slot } = this.record;
    if (slot === 'global') {
      this.#clear(); // the reference starts over after a global record, and so forgets the others
      return;
    }
    this.#pending[slot] = slot === 'pax' ? data : withoutNul(data);
    this.#hasPending = true;
  }

  #zero(offset: number): AfterBlock {
    if (!this.#zeroBlock) {
      this.#zeroBlock = true;
      return 'block';
    }
    if (this.#hasPending) throw new TarSplitError('ORPHANED_METADATA', offset, 'metadata entries without a following actual entry');
    return 'end';
  }

  #announce(slot: RecordSlot, size: number, offset: number): AfterBlock {
    if (slot !== 'global' && this.#pending[slot] !== undefined) {
      throw new TarSplitError('DUPLICATE_METADATA', offset, DUPLICATE[slot]);
    }
    const total = slot === 'global' ? size : this.#pendingSize + size;
    if (total > METADATA_MAX) {
      throw new TarSplitError('METADATA_LIMIT', offset, `metadata exceeds limit: ${total} bytes > ${METADATA_MAX} bytes`);
    }
    this.#pendingSize = total;
    this.record = { slot, size };
    return 'record';
  }

  #complete(bytes: Uint8Array, at: number, offset: number, format: HeaderFormat, flag: number, headerSays: number): ParsedMember {
    const owner = ownerFields(bytes, at, format, offset);
    const { longName, longLink } = this.#pending;
    const pax = this.#pending.pax && parsePax(this.#pending.pax, offset);
    const override = pax?.sparseName ?? pax?.path ?? longName;
    if (override === undefined ? !hasName(bytes, at, format) : override.length === 0) {
      throw new TarSplitError('EMPTY_PATH', offset, 'entry has empty path');
    }
    return {
      bytes,
      at,
      offset,
      format,
      typeflag: flag,
      size: pax?.size ?? headerSays,
      owner,
      ...(longName && { longName }),
      ...(longLink && { longLink }),
      ...(pax && { pax }),
      sparse: (flag === TYPE.sparse && format !== 'v7') || pax?.sparse === true,
    };
  }

  // The map of an old GNU sparse file goes on in blocks that its size does not count.
  #withSparseMap(member: ParsedMember): AfterBlock {
    if (member.typeflag !== TYPE.sparse || member.format !== 'gnu' || member.bytes[member.at + SPARSE_EXTENDED.header] === 0) {
      return 'member';
    }
    this.#extended = { ...member, bytes: copyBytes(member.bytes, member.at, member.at + BLOCK_SIZE), at: 0 };
    return 'block';
  }

  #sparseMap(bytes: Uint8Array, at: number): AfterBlock {
    if (bytes[at + SPARSE_EXTENDED.block] !== 0) return 'block';
    this.member = this.#extended;
    this.#extended = undefined;
    return 'member';
  }

  #clear(): void {
    if (this.#hasPending) this.#pending = {};
    this.#hasPending = false;
    this.#pendingSize = 0;
  }
}

// In a v7 header these letters mean nothing, but a global record counts in every format.
function recordSlot(flag: number, format: HeaderFormat): RecordSlot | undefined {
  if (flag === TYPE.globalPax) return 'global';
  if (format === 'v7') return undefined;
  if (flag === TYPE.pax) return 'pax';
  if (flag === TYPE.longName) return 'longName';
  return flag === TYPE.longLink ? 'longLink' : undefined;
}

function withoutNul(data: Uint8Array): Uint8Array {
  return data.length > 0 && data[data.length - 1] === 0 ? data.subarray(0, -1) : data;
}
