import { BLOCK_SIZE, INLINE_CONTENT_MAX, storedSize } from './block.ts';
import type { TarChunk } from './chunk.ts';
import { TarSplitError } from './errors.ts';
import { checkLimits, type TarLimits } from './limits.ts';
import { listingProblem, sparseEntry } from './listing-problem.ts';
import { MemberParser, type ParsedMember } from './member-parser.ts';
import { describeMember, type TarMember, type TarMetadata } from './member.ts';

/** Where the content of a file is. `bytes` is a copy that the receiver owns. */
export type TarFileContent =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | { readonly kind: 'external'; readonly objectId: string; readonly size: number };

/** One entry of a listing. */
export type TarEntry = TarMetadata &
  (
    | { readonly type: 'file'; readonly content: TarFileContent }
    | { readonly type: 'directory' | 'fifo' }
    /** `target`: of a symlink verbatim, of a hard link made absolute like `path`; empty if there is none. */
    | { readonly type: 'symlink' | 'hard-link'; readonly target: Uint8Array }
    /** `rdev`: the kernel's 64-bit device number. */
    | { readonly type: 'character-device' | 'block-device'; readonly rdev: bigint }
  );

/**
 * List the entries of a stored tar, in archive order, repeats included. No object is opened: that its size is the entry's is not checked.
 *
 * Stops at the end blocks, and closes `chunks` then. Entries before an error are yielded first. Memory is one chunk and its entries.
 *
 * @throws {TarSplitError} as the splitter does, for what it accepts but a listing does not (`UNSUPPORTED_TYPE`, `NO_DEVICE_NUMBERS`,
 *   `SPARSE`), and for chunks that no splitter makes (`WRONG_PLACEMENT`, `UNEXPECTED_EXTERNAL`, `SHORT_INLINE`, `TRUNCATED`)
 */
export async function* readEntries(
  chunks: AsyncIterable<TarChunk> | Iterable<TarChunk>,
  limits: TarLimits = {},
): AsyncGenerator<TarEntry, void> {
  const reader = new EntryReader(limits);
  for await (const chunk of chunks) {
    const failure = attempt(() => reader.push(chunk));
    yield* reader.take();
    if (failure !== undefined) throw failure.error;
    if (reader.ended) return;
  }
  reader.finish();
}

/** What is being read. Whether `content` is inline or external shows only when it comes. */
type State = 'block' | 'record' | 'content' | 'padding' | 'end';

const NOTHING = new Uint8Array(0);

/** The synchronous part: chunks in, entries out. */
class EntryReader {
  readonly #limits: TarLimits;
  readonly #parser = new MemberParser();
  readonly #block = new Uint8Array(BLOCK_SIZE);
  #entries: TarEntry[] = [];
  #count = 0;
  /** The entry whose content comes next. */
  #member: TarMember | undefined;

  #state: State = 'block';
  /** Bytes that the state takes in all, and still takes. The first of them go into #buffer. */
  #wanted = BLOCK_SIZE;
  #left = BLOCK_SIZE;
  #buffer: Uint8Array = this.#block;
  /** Places in the tar, objects counted with the size that their entry says: where the state began, and what has been read. */
  #start = 0;
  #offset = 0;

  constructor(limits: TarLimits) {
    this.#limits = limits;
  }

  get ended(): boolean {
    return this.#state === 'end';
  }

  /** The entries since the last call. */
  take(): TarEntry[] {
    const entries = this.#entries;
    this.#entries = [];
    return entries;
  }

  push(chunk: TarChunk): void {
    if (chunk.kind === 'external') this.#external(chunk.objectId);
    else this.#inline(chunk.bytes, chunk.last);
  }

  finish(): void {
    if (this.#state === 'block' && !this.#begun && this.#parser.idle) return;
    throw new TarSplitError('TRUNCATED', this.#offset, 'Unexpected EOF in splitstream');
  }

  get #begun(): boolean {
    return this.#left < this.#wanted;
  }

  #external(objectId: string): void {
    const member = this.#member;
    if (this.#state !== 'content' || this.#begun || member === undefined) {
      throw new TarSplitError('UNEXPECTED_EXTERNAL', this.#offset, 'Unexpected external reference in splitstream');
    }
    const { size, type } = member;
    if (type !== 'file') throw misplaced(member, `Unsupported external-chunked entry of type ${type}`);
    if (size <= INLINE_CONTENT_MAX) throw misplaced(member, `Splitstream incorrectly stored a small (${size} byte) file external`);
    this.#entries.push({ ...metadata(member), type, content: { kind: 'external', objectId, size } });
    this.#offset += size;
    this.#expect('padding', this.#wanted - size, NOTHING);
  }

  #inline(bytes: Uint8Array, last: boolean): void {
    let at = 0;
    while (at < bytes.length && this.#state !== 'end') {
      if (this.#state === 'content' && !this.#begun) this.#inlineContent();
      const end = Math.min(bytes.length, at + this.#left);
      this.#offset += end - at;
      if (this.#state === 'block' && end - at === BLOCK_SIZE) this.#afterBlock(bytes, at);
      else this.#gather(bytes, at, end);
      at = end;
    }
    if (last && this.#midway()) {
      throw new TarSplitError('SHORT_INLINE', this.#offset, 'Unexpectedly small inline content when parsing splitstream');
    }
  }

  /** Whether something began that must lie in one inline run. The blocks of a record may lie in several. */
  #midway(): boolean {
    return this.#state === 'record' ? this.#left % BLOCK_SIZE !== 0 : this.#state !== 'end' && this.#begun;
  }

  #gather(bytes: Uint8Array, at: number, end: number): void {
    const filled = this.#wanted - this.#left;
    const room = this.#buffer.length - filled;
    if (room > 0) this.#buffer.set(bytes.subarray(at, Math.min(end, at + room)), filled);
    this.#left -= end - at;
    if (this.#left === 0) this.#complete();
  }

  #complete(): void {
    switch (this.#state) {
      case 'block':
        this.#afterBlock(this.#block, 0);
        return;
      case 'record':
        this.#parser.recordData(this.#buffer);
        break;
      case 'content':
        this.#emitInline(this.#buffer);
        break;
      default:
    }
    this.#expectBlock();
  }

  #afterBlock(bytes: Uint8Array, at: number): void {
    const after = this.#parser.block(bytes, at, this.#start);
    if (after === 'record') this.#announceRecord(this.#parser.record.size);
    else if (after === 'member') this.#enter(this.#parser.member!);
    else if (after === 'end') this.#state = 'end';
    else this.#expectBlock();
  }

  #announceRecord(size: number): void {
    const data = new Uint8Array(size);
    if (size > 0) {
      this.#expect('record', storedSize(size), data);
    } else {
      this.#parser.recordData(data);
      this.#expectBlock();
    }
  }

  #enter(parsed: ParsedMember): void {
    if (parsed.sparse) throw sparseEntry(parsed.offset);
    checkLimits(this.#limits, parsed, ++this.#count);
    this.#member = describeMember(parsed);
    if (this.#member.size > 0) {
      this.#expect('content', storedSize(this.#member.size), NOTHING);
    } else {
      // Nothing is read for an empty content, so that an archive may end right here.
      this.#emitInline(NOTHING);
      this.#expectBlock();
    }
  }

  /** The first byte of an inline content is here. */
  #inlineContent(): void {
    const { type, size } = this.#member!;
    if (type !== 'file') return;
    if (size > INLINE_CONTENT_MAX) throw misplaced(this.#member!, `Splitstream incorrectly stored a large (${size} byte) file inline`);
    this.#buffer = new Uint8Array(size);
  }

  #emitInline(bytes: Uint8Array): void {
    const member = this.#member!;
    const problem = listingProblem(member);
    if (problem !== undefined) throw problem;
    this.#entries.push(inlineEntry(member, bytes));
  }

  #expectBlock(): void {
    this.#expect('block', BLOCK_SIZE, this.#block);
  }

  #expect(state: State, wanted: number, buffer: Uint8Array): void {
    if (wanted === 0) {
      this.#expectBlock();
      return;
    }
    this.#state = state;
    this.#wanted = wanted;
    this.#left = wanted;
    this.#buffer = buffer;
    this.#start = this.#offset;
  }
}

function inlineEntry(member: TarMember, bytes: Uint8Array): TarEntry {
  const common = metadata(member);
  const { type } = member;
  switch (type) {
    case 'file':
      return { ...common, type, content: { kind: 'inline', bytes } };
    case 'symlink':
    case 'hard-link':
      return { ...common, type, target: member.target ?? NOTHING };
    case 'character-device':
    case 'block-device':
      return { ...common, type, rdev: member.rdev ?? 0n };
    case 'directory':
    case 'fifo':
      return { ...common, type };
    default:
      throw new TypeError(`no entry of type ${type}`); // listingProblem has refused it
  }
}

function metadata({ path, mode, uid, gid, mtime, xattrs }: TarMember): TarMetadata {
  return { path, mode, uid, gid, mtime, xattrs };
}

function misplaced(member: TarMember, message: string): TarSplitError {
  return new TarSplitError('WRONG_PLACEMENT', member.offset, message);
}

/** The error that `step` throws, boxed, or nothing. */
function attempt(step: () => void): { readonly error: unknown } | undefined {
  try {
    step();
    return undefined;
  } catch (error) {
    return { error };
  }
}
