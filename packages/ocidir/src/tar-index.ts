import { readRange } from '@cfskit/linux';
import type { FileHandle } from 'node:fs/promises';
import { toLatin1 } from '@cfskit/binary';
import { BLOCK_SIZE, TarSplitError, TarSplitter, type SplitSink, type TarMember } from '@cfskit/tar-split';
import { OciDirError } from './errors.ts';

/** Where the content of a file lies in a tar, in bytes from its start. */
export interface TarRegion {
  readonly start: number;
  readonly size: number;
}

/** What a name in a tar stands for. Directories and devices are left out. */
type TarNode = TarRegion | { readonly link: string } | { readonly problem: string };

/** More entries than any image has: several thousand layers, with what docker-save adds to each. */
const MAX_ENTRIES = 100_000;
const MAX_PATH = 4096;
const MAX_LINKS = 40;

/**
 * Bytes read at a time. A header and a small file or two fit in; behind a large file a header stands alone, so that more would be read
 * for nothing.
 */
const WINDOW_SIZE = 4096;

/** The names in a tar, and where their contents are. */
export class TarIndex {
  readonly #nodes = new Map<string, TarNode>();

  /** Enter a name; one that was there is replaced, as it is when a tar is unpacked. */
  add(name: string, node: TarNode): void {
    this.#nodes.set(name, node);
  }

  /** Enter another name for a file that has been entered. A target that is not there leaves the name unknown. */
  addHardLink(name: string, target: string): void {
    const node = this.#nodes.get(target);
    if (node !== undefined) this.#nodes.set(name, node);
  }

  /**
   * Where the file of this name is. Symbolic links in place of the file are followed inside the tar.
   *
   * @returns undefined if there is no such file
   * @throws {OciDirError} UNSUPPORTED_ENTRY, NOT_A_FILE: a loop of links
   */
  find(path: string): TarRegion | undefined {
    let name = tarName(toLatin1(new TextEncoder().encode(path)));
    for (let links = 0; links <= MAX_LINKS; links++) {
      const node = name === undefined ? undefined : this.#nodes.get(name);
      if (node === undefined) return undefined;
      if ('problem' in node) throw new OciDirError('UNSUPPORTED_ENTRY', path, `${path} cannot be read in place: ${node.problem}`);
      if (!('link' in node)) return node;
      name = linkTarget(name!, node.link);
    }
    throw new OciDirError('NOT_A_FILE', path, `wanted a regular file, found a loop of links: ${path}`);
  }

  /** Whether there is anything in the tar. */
  get isEmpty(): boolean {
    return this.#nodes.size === 0;
  }
}

/**
 * Find out what is in a tar, by its headers alone: contents are passed over, not read. Each header is checked.
 *
 * Names are byte strings with one character per byte, so names that are not UTF-8 do no harm. An entry of the same name replaces an
 * earlier one; names that lead out of the tar are passed over. The tar may end with its last content, without the blocks of zeros.
 *
 * @param size bytes of the tar
 * @throws {OciDirError} NOT_A_LAYOUT: no tar at all; INVALID_ARCHIVE, TRUNCATED_ARCHIVE, ARCHIVE_LIMIT
 */
export async function scanTar(handle: FileHandle, size: number, path: string, signal?: AbortSignal): Promise<TarIndex> {
  const scan = new Scan(path, size);
  const window = new Window(handle);
  while (!scan.ended) {
    signal?.throwIfAborted();
    const bytes = window.bytesAt(scan.offset) ?? (await window.load(scan.offset, Math.min(WINDOW_SIZE, size - scan.offset)));
    scan.push(bytes);
  }
  return scan.index;
}

/** The part of the tar that has been read. */
class Window {
  readonly #handle: FileHandle;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** One block, if it is here. */
  bytesAt(offset: number): Uint8Array | undefined {
    const at = offset - this.#start;
    return at >= 0 && at + BLOCK_SIZE <= this.#bytes.length ? this.#bytes.subarray(at, at + BLOCK_SIZE) : undefined;
  }

  /** One block, or less at the end of the file. */
  async load(offset: number, length: number): Promise<Uint8Array> {
    this.#bytes = await readRange(this.#handle, offset, length);
    this.#start = offset;
    return this.#bytes.subarray(0, BLOCK_SIZE);
  }
}

const NO_SINK: SplitSink = {
  inline: () => undefined,
  fileStart: () => undefined,
  fileData: () => undefined,
  fileEnd: () => undefined,
};

// Stands for content in the splitter, which counts it and does not look at it: a gigabyte takes about a tenth of a millisecond.
const CONTENT = new Uint8Array(1024 * 1024);

/** Reads headers with the splitter of `@cfskit/tar-split`, so that outer archives and layers are understood in one way. */
class Scan {
  readonly index: TarIndex = new TarIndex();
  offset = 0;
  ended = false;
  readonly #path: string;
  readonly #size: number;
  readonly #splitter: TarSplitter;
  #member: TarMember | undefined;
  #zeroBlock = false;

  constructor(path: string, size: number) {
    this.#path = path;
    this.#size = size;
    this.ended = size === 0;
    const onEntry = (member: TarMember): void => void (this.#member = member);
    this.#splitter = new TarSplitter(NO_SINK, { onEntry, maxEntries: MAX_ENTRIES, maxPathLength: MAX_PATH, sparse: 'store' });
  }

  /** One block that is no content; fewer bytes only at the end of the file. */
  push(block: Uint8Array): void {
    if (block.length < BLOCK_SIZE) throw this.#truncated(block);
    this.#feed(block);
    const secondZero = this.#zeroBlock && isZero(block) && this.#isAtEnd();
    this.#zeroBlock = isZero(block);
    this.offset += BLOCK_SIZE;
    if (this.#member !== undefined) this.#enter(this.#member);
    this.ended = secondZero || this.offset >= this.#size;
    if (this.ended && !secondZero && !this.#zeroBlock && this.offset === this.#size) this.#finish();
  }

  #enter(member: TarMember): void {
    this.#member = undefined;
    const { size } = member;
    if (this.offset + size > this.#size) {
      const message = `the archive ends in an entry of ${size} bytes that begins at ${this.offset}: it has ${this.#size} bytes`;
      throw new OciDirError('TRUNCATED_ARCHIVE', this.#path, message, { offset: this.offset });
    }
    this.#note(member);
    const stored = Math.ceil(size / BLOCK_SIZE) * BLOCK_SIZE;
    for (let left = stored; left > 0; left -= CONTENT.length) this.#feed(left < CONTENT.length ? CONTENT.subarray(0, left) : CONTENT);
    this.offset += stored;
  }

  #note(member: TarMember): void {
    const { type, size, target } = member;
    if (size > 0 && !HAS_CONTENT.has(type)) {
      const message = `an entry of type '${type}' with ${size} bytes of content, which programs read differently`;
      throw new OciDirError('INVALID_ARCHIVE', this.#path, message, { offset: member.offset });
    }
    const name = tarName(toLatin1(member.path));
    if (name === undefined) return;
    if (type === 'file') this.index.add(name, { start: this.offset, size });
    else if (type === 'symlink') this.index.add(name, { link: toLatin1(target ?? new Uint8Array(0)) });
    else if (type === 'hard-link') this.index.addHardLink(name, tarName(toLatin1(target ?? new Uint8Array(0))) ?? '');
    else if (type === 'unknown') this.index.add(name, { problem: `it is sparse or of the unknown type ${member.typeflag}` });
  }

  /** Whether the blocks of zeros are those at the end, and not part of a record. */
  #isAtEnd(): boolean {
    try {
      this.#splitter.finish();
      return true;
    } catch {
      return false;
    }
  }

  #finish(): void {
    try {
      this.#splitter.finish();
    } catch (error) {
      throw this.#wrap(error);
    }
  }

  #feed(bytes: Uint8Array): void {
    try {
      this.#splitter.push(bytes);
    } catch (error) {
      throw this.#wrap(error);
    }
  }

  #wrap(cause: unknown): unknown {
    if (!(cause instanceof TarSplitError)) return cause;
    const { offset, message } = cause;
    if (cause.code === 'LIMIT') return new OciDirError('ARCHIVE_LIMIT', this.#path, message, { offset, cause });
    if (cause.code === 'TRUNCATED') return new OciDirError('TRUNCATED_ARCHIVE', this.#path, message, { offset, cause });
    if (offset === 0) return new OciDirError('NOT_A_LAYOUT', this.#path, `${this.#path} is not a tar archive`, { offset, cause });
    return new OciDirError('INVALID_ARCHIVE', this.#path, `the archive cannot be read at ${offset}: ${message}`, { offset, cause });
  }

  #truncated(rest: Uint8Array): OciDirError {
    const { offset } = this;
    if (offset === 0) return new OciDirError('NOT_A_LAYOUT', this.#path, `${this.#path} is not a tar archive`, { offset });
    const message = `the archive ends in the middle of a header, ${rest.length} bytes after ${offset}`;
    return new OciDirError('TRUNCATED_ARCHIVE', this.#path, message, { offset });
  }
}

const HAS_CONTENT: ReadonlySet<TarMember['type']> = new Set(['file', 'hard-link', 'unknown']);

/** A name without `.`, doubled slashes and a slash in front; undefined for one that leads out of the tar, or nowhere. */
function tarName(path: string): string | undefined {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return parts.length === 0 || parts.includes('..') ? undefined : parts.join('/');
}

/** Where a link leads: from the directory it is in, never out of the tar. */
function linkTarget(from: string, target: string): string | undefined {
  if (target.startsWith('/')) return undefined;
  const parts = from.split('/').slice(0, -1);
  for (const part of target.split('/')) {
    if (part === '..' && parts.length === 0) return undefined;
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

function isZero(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}
