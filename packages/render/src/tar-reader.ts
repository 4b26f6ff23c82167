import { toLatin1 } from '@cfskit/binary';
import type { ByteString } from '@cfskit/fs-tree';
import { BLOCK_SIZE, BlockGatherer, FIELD, headerChecksum, paddingOf, sumBlock, TYPE } from '@cfskit/tar-split';
import { RenderError } from './errors.ts';
import { GlobalRecords } from './global-records.ts';
import type { Limits } from './limits.ts';
import { parsePax, type PaxRecord } from './pax.ts';
import { SharedValues } from './shared-values.ts';
import { ContentMap, mapInRecords, mapOfNumbers, OldGnuMap, realSizeInRecords, sparseForm, type SparseMap } from './sparse-map.ts';
import { describeMember, isGnu, type TarMember } from './tar-member.ts';
import { readNumber } from './tar-number.ts';

/**
 * Takes the entries of a layer. Every call is synchronous; `bytes` is a view into the pushed chunk.
 *
 * After `member` for a file come `data` and `hole` calls with `size` bytes in all, then `end`. Nothing comes after that of other entries.
 */
export interface TarReaderSink {
  /** @param size of the file, holes included; 0 for everything else */
  member(member: TarMember, size: number): void;
  data(bytes: Uint8Array): void;
  /** So many zeros, which the tar does not hold. */
  hole(size: number): void;
  end(): void;
}

type State = 'block' | 'metadata' | 'old-map' | 'content-map' | 'content' | 'padding' | 'tail';
type MetadataFlag = 'longName' | 'longLink' | 'pax' | 'globalPax';

const METADATA = new Map<number, MetadataFlag>([
  [TYPE.longName, 'longName'],
  [TYPE.longLink, 'longLink'],
  [TYPE.pax, 'pax'],
  [TYPE.globalPax, 'globalPax'],
]);

/** What precedes an entry, as far as it has been read. */
interface Pending {
  longName?: ByteString;
  longLink?: ByteString;
  pax?: readonly PaxRecord[];
  bytes: number;
}

/**
 * Reads the uncompressed tar of a layer, pushed in chunks of any size. Sparse files come out as plain ones, types that nobody knows as files,
 * and global PAX headers apply to the entries behind them.
 *
 * Content is never copied. Memory is one block and the records in front of one entry.
 */
export class TarReader {
  readonly #sink: TarReaderSink;
  readonly #limits: Limits;
  readonly #shared = new SharedValues();
  readonly #blocks = new BlockGatherer();
  #state: State = 'block';
  #left = 0;
  #padding = 0;
  #offset = 0;
  #entries = 0;
  #holes = 0;
  #zeroBlock = false;

  #flag: MetadataFlag = 'pax';
  #metadata = new Uint8Array(0);
  /** Bytes of #metadata that are filled. */
  #filled = 0;
  #pending: Pending = { bytes: 0 };
  #globals: GlobalRecords | undefined;

  #member: TarMember | undefined;
  #oldMap: OldGnuMap | undefined;
  #contentMap = new ContentMap();
  #map: SparseMap | undefined;
  #segment = 0;
  #position = 0;

  constructor(sink: TarReaderSink, limits: Limits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /** Entries so far. */
  get entries(): number {
    return this.#entries;
  }

  /** @throws {RenderError} for a tar that cannot be read; whatever the sink throws */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) at = this.#step(chunk, at);
    this.#offset += chunk.length;
  }

  /**
   * To be called after the last chunk. The blocks that end a tar may be missing.
   *
   * @throws {RenderError} TRUNCATED, ORPHANED_METADATA
   */
  finish(): void {
    if (this.#state === 'tail') return;
    if (this.#state !== 'block' || this.#blocks.isPartial)
      throw new RenderError('TRUNCATED', 'the tar ends inside an entry', { offset: this.#offset });
    this.#refuseOrphans(this.#offset);
  }

  #step(chunk: Uint8Array, at: number): number {
    switch (this.#state) {
      case 'content':
        return this.#content(chunk, at);
      case 'metadata':
        return this.#gather(chunk, at);
      case 'padding':
        return this.#skip(chunk, at);
      case 'tail':
        return chunk.length;
      default:
        return this.#blocks.take(chunk, at, this.#useBlock);
    }
  }

  readonly #useBlock = (bytes: Uint8Array, at: number, end: number): void => this.#block(bytes, at, this.#offset + end - BLOCK_SIZE);

  #block(bytes: Uint8Array, at: number, offset: number): void {
    if (this.#state === 'old-map') this.#oldMapBlock(bytes, at, offset);
    else if (this.#state === 'content-map') this.#contentMapBlock(bytes, at, offset);
    else this.#header(bytes, at, offset);
  }

  #header(bytes: Uint8Array, at: number, offset: number): void {
    const sum = sumBlock(bytes, at);
    if (sum === 0) {
      this.#zero(offset);
      return;
    }
    this.#zeroBlock = false;
    if (readNumber(bytes, at, FIELD.checksum, offset) !== headerChecksum(bytes, at, sum)) {
      throw new RenderError('CHECKSUM_MISMATCH', 'archive header checksum mismatch', { offset });
    }
    const flag = bytes[at + FIELD.typeflag.start]!;
    const metadata = METADATA.get(flag);
    if (metadata !== undefined) this.#announce(metadata, readNumber(bytes, at, FIELD.size, offset), offset);
    else this.#entry(bytes, at, offset, flag);
  }

  #zero(offset: number): void {
    if (this.#zeroBlock) {
      this.#refuseOrphans(offset);
      this.#state = 'tail';
    }
    this.#zeroBlock = true;
  }

  #refuseOrphans(offset: number): void {
    if (this.#pending.bytes > 0) throw new RenderError('ORPHANED_METADATA', 'records without an entry behind them', { offset });
  }

  // A record of the entry to come says nothing about another record in front of it, so a size given there is not looked at.
  #announce(flag: MetadataFlag, size: number | bigint, offset: number): void {
    if (flag !== 'globalPax' && this.#pending[flag] !== undefined) {
      throw new RenderError('DUPLICATE_METADATA', `two ${flag} records for one entry`, { offset });
    }
    if (size < 0) throw new RenderError('INVALID_HEADER', `record with a size of ${size}`, { offset });
    this.#account(Number(size) + 1, offset); // one more, so that a record without bytes counts, too
    this.#flag = flag;
    this.#metadata = new Uint8Array(Number(size));
    this.#filled = 0;
    this.#padding = paddingOf(Number(size));
    this.#state = 'metadata';
    if (size === 0) this.#record(offset);
  }

  #account(bytes: number, offset: number): void {
    this.#pending.bytes += bytes;
    const { maxEntryMetadata } = this.#limits;
    if (this.#pending.bytes <= maxEntryMetadata) return;
    throw new RenderError('LIMIT_METADATA', `more than ${maxEntryMetadata} bytes of records in front of one entry`, { offset });
  }

  #gather(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#metadata.length - this.#filled);
    this.#metadata.set(chunk.subarray(at, end), this.#filled);
    this.#filled += end - at;
    if (this.#filled === this.#metadata.length) this.#record(this.#offset + end);
    return end;
  }

  #record(offset: number): void {
    const data = this.#metadata;
    this.#filled = 0;
    if (this.#flag === 'pax') this.#pending.pax = parsePax(data, offset);
    else if (this.#flag === 'globalPax') this.#addGlobals(parsePax(data, offset), offset);
    else this.#pending[this.#flag] = longText(data);
    this.#pad();
  }

  #addGlobals(records: readonly PaxRecord[], offset: number): void {
    this.#globals ??= new GlobalRecords(this.#limits.maxEntryMetadata);
    this.#globals.add(records, offset);
    this.#pending.bytes -= this.#metadata.length + 1;
  }

  #entry(bytes: Uint8Array, at: number, offset: number, flag: number): void {
    const { longName, longLink, pax } = this.#pending;
    const globals = this.#globals;
    const metadata = {
      ...(globals && { globals }),
      shared: this.#shared,
      ...(longName !== undefined && { longName }),
      ...(longLink !== undefined && { longLink }),
      ...(pax && { records: pax }),
    };
    const member = describeMember(bytes, at, offset, metadata);
    if (++this.#entries > this.#limits.maxEntries) {
      throw new RenderError('LIMIT_ENTRIES', `more than ${this.#limits.maxEntries} entries`, { offset });
    }
    this.#member = member;
    this.#left = member.storedSize;
    this.#padding = paddingOf(member.storedSize);
    if (flag === TYPE.sparse && isGnu(bytes, at)) this.#beginOldMap(new OldGnuMap(bytes, at, offset), offset);
    else this.#beginForm(member);
  }

  #beginForm(member: TarMember): void {
    const form = sparseForm(member);
    if (form === 'none') this.#begin(member, undefined);
    else if (form === 'records') this.#begin(member, mapInRecords(member));
    else {
      this.#contentMap = new ContentMap();
      this.#state = 'content-map';
    }
  }

  #beginOldMap(map: OldGnuMap, offset: number): void {
    this.#oldMap = map;
    if (map.extended) this.#state = 'old-map';
    else this.#begin(this.#member!, map.finish(this.#left, offset));
  }

  #oldMapBlock(bytes: Uint8Array, at: number, offset: number): void {
    this.#account(BLOCK_SIZE, offset);
    this.#oldMap!.add(bytes, at, offset);
    this.#beginOldMap(this.#oldMap!, offset);
  }

  #contentMapBlock(bytes: Uint8Array, at: number, offset: number): void {
    this.#account(BLOCK_SIZE, offset);
    if (this.#left < BLOCK_SIZE) throw new RenderError('INVALID_SPARSE', 'sparse file with a map that does not end', { offset });
    this.#left -= BLOCK_SIZE;
    const numbers = this.#contentMap.add(toLatin1(bytes.subarray(at, at + BLOCK_SIZE)), offset);
    const member = this.#member!;
    if (numbers !== undefined) this.#begin(member, mapOfNumbers(numbers, realSizeInRecords(member), this.#left, offset));
  }

  #begin(member: TarMember, map: SparseMap | undefined): void {
    this.#pending = { bytes: 0 };
    this.#map = map;
    this.#segment = 0;
    this.#position = 0;
    const size = map?.size ?? member.storedSize;
    this.#countHoles(size - this.#left, member.offset);
    this.#sink.member(member, size);
    if (member.kind !== 'file') this.#state = 'block';
    else if (this.#left > 0) this.#state = 'content';
    else this.#endContent();
  }

  #countHoles(size: number, offset: number): void {
    this.#holes += size;
    const { maxHoleBytes } = this.#limits;
    if (this.#holes > maxHoleBytes)
      throw new RenderError('LIMIT_BYTES', `more than ${maxHoleBytes} bytes in holes of sparse files`, { offset });
  }

  #content(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#left);
    if (this.#map === undefined) this.#sink.data(chunk.subarray(at, end));
    else this.#sparseContent(chunk, at, end, this.#map);
    this.#left -= end - at;
    if (this.#left === 0) this.#endContent();
    return end;
  }

  #sparseContent(chunk: Uint8Array, start: number, end: number, { segments }: SparseMap): void {
    for (let at = start; at < end;) {
      const segment = segments[this.#segment]!;
      if (segment.offset > this.#position) this.#hole(segment.offset);
      const size = Math.min(end - at, segment.offset + segment.size - this.#position);
      if (size > 0) this.#sink.data(chunk.subarray(at, at + size));
      at += size;
      this.#position += size;
      if (this.#position === segment.offset + segment.size) this.#segment++;
    }
  }

  #hole(end: number): void {
    this.#sink.hole(end - this.#position);
    this.#position = end;
  }

  #endContent(): void {
    if (this.#map !== undefined && this.#map.size > this.#position) this.#hole(this.#map.size);
    this.#sink.end();
    this.#pad();
  }

  #skip(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#padding);
    this.#padding -= end - at;
    if (this.#padding === 0) this.#state = 'block';
    return end;
  }

  #pad(): void {
    this.#state = this.#padding === 0 ? 'block' : 'padding';
  }
}

/** Long names end with a NUL, and some writers leave more behind it. */
function longText(data: Uint8Array): ByteString {
  const end = data.indexOf(0);
  return toLatin1(end === -1 ? data : data.subarray(0, end));
}
