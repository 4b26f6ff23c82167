import { BLOCK_SIZE, INLINE_CONTENT_MAX, storedSize } from './block.ts';
import { BlockGatherer } from './block-gatherer.ts';
import { TarSplitError } from './errors.ts';
import { checkLimits, type TarLimits } from './limits.ts';
import { listingProblem, sparseEntry } from './listing-problem.ts';
import { MemberParser, type AfterBlock, type ParsedMember } from './member-parser.ts';
import { describeMember, isFile, type TarMember } from './member.ts';

/**
 * Takes the two kinds of bytes that a tar is split into, in their order in the tar. Every call is synchronous; `bytes` is a view into the
 * pushed chunk and must be used up, or copied, before returning.
 *
 * Between `fileStart` and `fileEnd` come only `fileData` calls, with `size` bytes in all. Neighbouring `inline` calls are one run.
 */
export interface SplitSink {
  /** Headers, records, padding, small files, end blocks and whatever follows them. Never empty. */
  inline(bytes: Uint8Array): void;
  /** The content of a file of more than 64 bytes begins. */
  fileStart(size: number): void;
  /** The next piece of that content. Never empty. */
  fileData(bytes: Uint8Array): void;
  /** All `size` bytes have been passed on. */
  fileEnd(): void;
}

/** How to split. Nothing here changes which byte goes where, except `sparse`. */
export interface TarSplitterOptions extends TarLimits {
  /** Called for each entry when its header is complete, before its content. Costs about a microsecond per entry. */
  readonly onEntry?: (member: TarMember) => void;
  /** Called for each entry that {@link readEntries} will refuse, with the error it will throw: the layer can be stored, but not listed. */
  readonly onUnlistable?: (problem: TarSplitError) => void;
  /** `refuse` (default), as the reference does, or `store` the data area like any content of that size; it can never be listed. */
  readonly sparse?: 'refuse' | 'store';
}

/** What a whole tar came to. */
export interface SplitResult {
  /** Bytes of the tar. */
  readonly size: number;
  readonly entries: number;
  /** Contents that went to `fileStart`; equal ones are counted each. */
  readonly files: number;
  readonly inlineBytes: number;
  readonly fileBytes: number;
}

type State = 'block' | 'record' | 'content' | 'file' | 'padding' | 'tail';

/** Errors for a tar that ends in the middle, by what was being read. */
const TRUNCATED: Record<Exclude<State, 'tail'>, string> = {
  block: 'unexpected EOF in tar stream',
  record: 'unexpected EOF in tar stream',
  content: 'unexpected EOF reading tar entry',
  file: 'unexpected EOF reading tar entry',
  padding: 'unexpected EOF reading tar padding',
};

/**
 * Splits an uncompressed tar, pushed in chunks of any size, into inline bytes and file contents. Where the chunks are cut does not matter.
 *
 * File content is never copied; a header is copied only where a chunk ends inside it, and records are always. Memory is one block and at
 * most 1 MiB of records.
 *
 * After an error the splitter is of no further use: it throws the same error again.
 */
export class TarSplitter {
  readonly #sink: SplitSink;
  readonly #options: TarSplitterOptions;
  readonly #parser = new MemberParser();
  readonly #blocks = new BlockGatherer();

  #state: State = 'block';
  /** Bytes of #record that are filled. */
  #filled = 0;
  #record = new Uint8Array(0);
  /** Bytes that the current state still takes. */
  #left = 0;
  #padding = 0;
  /** Bytes pushed in earlier chunks. */
  #offset = 0;
  #entries = 0;
  #files = 0;
  #fileBytes = 0;
  #failure: unknown;

  constructor(sink: SplitSink, options: TarSplitterOptions = {}) {
    this.#sink = sink;
    this.#options = options;
  }

  /** @throws {TarSplitError} for a tar that cannot be split; whatever the sink throws */
  push(chunk: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      this.#consume(chunk);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
    this.#offset += chunk.length;
  }

  /**
   * To be called after the last chunk.
   *
   * @throws {TarSplitError} TRUNCATED if the tar ends in the middle of something
   */
  finish(): SplitResult {
    if (this.#failure !== undefined) throw this.#failure;
    const state = this.#state;
    if (state !== 'tail' && !(state === 'block' && !this.#blocks.isPartial && this.#parser.idle)) {
      throw new TarSplitError('TRUNCATED', this.#offset, TRUNCATED[state]);
    }
    return {
      size: this.#offset,
      entries: this.#entries,
      files: this.#files,
      inlineBytes: this.#offset - this.#fileBytes,
      fileBytes: this.#fileBytes,
    };
  }

  #consume(chunk: Uint8Array): void {
    let at = 0;
    let inlineFrom = 0; // start of the inline run that has not been passed on
    while (at < chunk.length) {
      if (this.#inFile()) {
        at = this.#file(chunk, at);
        inlineFrom = at;
      } else {
        at = this.#inline(chunk, at);
        if (!this.#inFile()) continue;
        this.#passOn(chunk, inlineFrom, at);
        inlineFrom = at;
        this.#sink.fileStart(this.#left);
      }
    }
    this.#passOn(chunk, inlineFrom, at);
  }

  #inFile(): boolean {
    return this.#state === 'file';
  }

  #passOn(chunk: Uint8Array, start: number, end: number): void {
    if (end > start) this.#sink.inline(chunk.subarray(start, end));
  }

  #file(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#left);
    this.#sink.fileData(chunk.subarray(at, end));
    this.#fileBytes += end - at;
    this.#left -= end - at;
    if (this.#left === 0) {
      this.#sink.fileEnd();
      this.#expect(this.#padding === 0 ? 'block' : 'padding', this.#padding);
    }
    return end;
  }

  /** Take inline bytes from `at`, and return where they end: at the latest where a file's content starts. */
  #inline(chunk: Uint8Array, at: number): number {
    switch (this.#state) {
      case 'block':
        return this.#block(chunk, at);
      case 'record':
        return this.#recordData(chunk, at);
      case 'tail':
        return chunk.length;
      default:
        return this.#skip(chunk, at);
    }
  }

  #block(chunk: Uint8Array, at: number): number {
    return this.#blocks.take(chunk, at, this.#useBlock);
  }

  readonly #useBlock = (bytes: Uint8Array, at: number, end: number): void => {
    this.#afterBlock(this.#parser.block(bytes, at, this.#offset + end - BLOCK_SIZE));
  };

  #recordData(chunk: Uint8Array, at: number): number {
    const wanted = this.#record.length - this.#filled;
    const end = Math.min(chunk.length, at + this.#left);
    if (wanted > 0) {
      const last = Math.min(end, at + wanted);
      this.#record.set(chunk.subarray(at, last), this.#filled);
      this.#filled += last - at;
    }
    this.#left -= end - at;
    if (this.#left === 0) {
      this.#filled = 0;
      this.#parser.recordData(this.#record);
      this.#expect('block', 0);
    }
    return end;
  }

  #skip(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#left);
    this.#left -= end - at;
    if (this.#left === 0) this.#expect('block', 0);
    return end;
  }

  #afterBlock(after: AfterBlock): void {
    if (after === 'block') return;
    if (after === 'member') this.#enter(this.#parser.member!);
    else if (after === 'end') this.#expect('tail', 0);
    else this.#announceRecord(this.#parser.record.size);
  }

  #announceRecord(size: number): void {
    this.#record = new Uint8Array(size);
    if (size === 0) this.#parser.recordData(this.#record);
    else this.#expect('record', storedSize(size));
  }

  #enter(member: ParsedMember): void {
    if (member.sparse && this.#options.sparse !== 'store') {
      throw new TarSplitError('SPARSE', member.offset, 'sparse tar entries are not supported');
    }
    this.#entries++;
    this.#report(member);
    const stored = storedSize(member.size);
    if (isFile(member) && member.size > INLINE_CONTENT_MAX) {
      this.#files++;
      this.#padding = stored - member.size;
      this.#expect('file', member.size);
    } else if (stored > 0) {
      this.#expect('content', stored);
    }
  }

  #report(member: ParsedMember): void {
    const { onEntry, onUnlistable } = this.#options;
    checkLimits(this.#options, member, this.#entries);
    if (onEntry === undefined && onUnlistable === undefined) return;
    const described = describeMember(member);
    onEntry?.(described);
    if (onUnlistable === undefined) return;
    const problem = member.sparse ? sparseEntry(member.offset) : listingProblem(described);
    if (problem !== undefined) onUnlistable(problem);
  }

  #expect(state: State, left: number): void {
    this.#state = state;
    this.#left = left;
  }
}

/**
 * Split all of `source`; see {@link TarSplitter}.
 *
 * @throws {TarSplitError}
 */
export async function splitTar(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  sink: SplitSink,
  options: TarSplitterOptions = {},
): Promise<SplitResult> {
  const splitter = new TarSplitter(sink, options);
  for await (const chunk of source) splitter.push(chunk);
  return splitter.finish();
}
