import { FsVerityHasher, type ObjectId } from '@cfskit/fs-verity';
import { getXattr, linkFd, readFully, reflink } from '@cfskit/linux';
import { closeSync, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { haveSameContent } from './compare-content.ts';
import { hasCode, RepositoryError } from './errors.ts';
import type { WriterHost } from './object-writer.ts';
import { StagedFile } from './staged-file.ts';

/** A way to get the content of a file into the store. */
export type ImportMethod = 'copy' | 'hardlink' | 'reflink';

/** Options of {@link LocalObjectStore.putFile}. */
export interface PutFileOptions {
  /** Bytes of the file, if known: another number is SIZE_MISMATCH. */
  readonly size?: number | undefined;
  /**
   * Which ways may be tried, always in the order reflink, hard link, copy. `['reflink', 'copy']` unless told: with a hard link the source
   * *is* the object, so whoever writes to it later damages the store, unless it has fs-verity. Files that give rights to whoever runs them
   * (set-user-id, set-group-id, file capabilities) are never linked. Without `copy`, nothing is copied but for what `copyPrivileged` says.
   */
  readonly methods?: readonly ImportMethod[] | undefined;
  /** Copy a file that could have been linked, if only it gave no rights. `false` unless told. */
  readonly copyPrivileged?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What came of a file. */
export interface ImportedFile {
  readonly id: ObjectId;
  readonly size: number;
  readonly method: 'already-present' | 'copied' | 'hardlinked' | 'reflinked';
}

/** Takes files that exist already into a store. Remembers between which devices blocks cannot be shared. */
export class FileImporter {
  readonly #host: WriterHost;
  readonly #enableVerity: (fd: number, id: ObjectId) => void;
  readonly #cannotShare: Set<string> = new Set();

  constructor(host: WriterHost, enableVerity: (fd: number, id: ObjectId) => void) {
    this.#host = host;
    this.#enableVerity = enableVerity;
  }

  /** @see LocalObjectStore.putFile */
  async put(path: string, options: PutFileOptions): Promise<ImportedFile> {
    const methods = options.methods ?? ['reflink', 'copy'];
    options.signal?.throwIfAborted();
    const source = openSync(path, 'r');
    try {
      const stat = regularFile(source, path, options.size);
      const imported =
        (methods.includes('reflink') ? await this.#reflink(source, stat, options) : undefined) ??
        (methods.includes('hardlink') ? await this.#hardLink(source, stat, options) : undefined) ??
        (mayCopy(source, methods, options) ? await this.#copy(source, options) : undefined);
      if (imported !== undefined) return imported;
      throw zeroCopyImpossible(source, path, methods);
    } finally {
      closeSync(source);
    }
  }

  async #reflink(source: number, { dev }: Stats, options: PutFileOptions): Promise<ImportedFile | undefined> {
    const pair = `${dev}:${this.#device()}`;
    if (this.#cannotShare.has(pair)) return undefined;
    return this.#staged(async (file) => {
      if (!reflink(source, file.fd)) {
        this.#cannotShare.add(pair);
        return undefined;
      }
      checkSize('Reflink size mismatch: expected', file.size, options.size);
      return this.#place(file, await this.#hash(file.fd, options.signal), 'reflinked');
    });
  }

  async #copy(source: number, { size, signal }: PutFileOptions): Promise<ImportedFile> {
    return this.#staged(async (file) => {
      const hasher = this.#hasher();
      for await (const piece of pieces(source, signal)) {
        file.write(piece);
        hasher.update(piece);
      }
      checkSize('Expected', file.size, size);
      return this.#place(file, hasher.objectId(), 'copied');
    });
  }

  /** Linking by descriptor is for those who may read everything; everybody else goes on to the next way. */
  async #hardLink(source: number, { dev }: Stats, { size, signal }: PutFileOptions): Promise<ImportedFile | undefined> {
    const { files, placement } = this.#host;
    if (!mayHardLink() || givesRights(source)) return undefined;
    const id = await this.#hash(source, signal);
    const found = fstatSync(source).size;
    checkSize('Expected', found, size);
    const known = placement.look(id, (fd) => haveSameContent(fd, source));
    if (known === 'present') return { id, size: found, method: 'already-present' };
    if (known === 'damaged') return undefined;
    // Looked at first: verity cannot be taken off again, and a file elsewhere says nothing about verity here.
    if (dev !== this.#device()) return undefined;
    try {
      this.#enableVerity(source, id);
      const linked = files.linkWith(id, (destination) => linkFd(source, destination));
      return { id, size: found, method: linked === 'linked' ? 'hardlinked' : 'already-present' };
    } catch (error) {
      // Another file system, too many links, no koffi, a writer: a copy is always possible.
      if (hasCode(error, 'EXDEV', 'EMLINK', 'EPERM', 'EACCES', 'ENOENT', 'UNSUPPORTED', 'VERITY_UNSUPPORTED')) return undefined;
      throw error;
    }
  }

  #place(file: StagedFile, id: ObjectId, method: 'copied' | 'reflinked'): ImportedFile {
    const { placement } = this.#host;
    const { size } = file;
    const found = placement.look(id, (fd) => haveSameContent(fd, file.fd));
    return { id, size, method: placement.place(file, id, found) ? method : 'already-present' };
  }

  async #staged<T>(use: (file: StagedFile) => Promise<T>): Promise<T> {
    this.#host.files.prepare();
    const file = new StagedFile(this.#host.files.directory);
    try {
      return await use(file);
    } finally {
      file.close();
    }
  }

  async #hash(fd: number, signal: AbortSignal | undefined): Promise<ObjectId> {
    const hasher = this.#hasher();
    for await (const piece of pieces(fd, signal)) hasher.update(piece);
    return hasher.objectId();
  }

  #hasher(): FsVerityHasher {
    const { algorithm, blockHash } = this.#host;
    return new FsVerityHasher(algorithm, { blockHash });
  }

  #device(): number {
    this.#host.files.prepare();
    return this.#host.files.device();
  }
}

/** The whole file from its start, at most 1 MiB at a time, in one buffer; the event loop turns in between. */
async function* pieces(fd: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void> {
  const buffer = Buffer.allocUnsafe(Math.min(fstatSync(fd).size + 1, PIECE_SIZE)); // one more shows the end of a small file at once
  for (let position = 0, size: number; (size = readFully(fd, buffer, position)) > 0; position += size) {
    yield buffer.subarray(0, size);
    if (size < buffer.byteLength) return;
    await nextTurn();
    signal?.throwIfAborted();
  }
}

function regularFile(fd: number, path: string, size: number | undefined): Stats {
  const stat = fstatSync(fd);
  if (!stat.isFile()) throw new RepositoryError('UNEXPECTED_FILE_TYPE', path, `${path} is not a regular file`);
  checkSize('Expected', stat.size, size);
  return stat;
}

function checkSize(text: string, found: number, expected: number | undefined): void {
  if (expected === undefined || found === expected) return;
  throw new RepositoryError('SIZE_MISMATCH', 'objects', `${text} ${expected} bytes, got ${found}`);
}

/** An object has the mode and attributes of its inode: a program with special rights would be there a second time, out of the sight of updates. */
function givesRights(fd: number): boolean {
  return (fstatSync(fd).mode & SPECIAL_BITS) !== 0 || getXattr(fd, CAPABILITIES) instanceof Uint8Array;
}

function mayCopy(source: number, methods: readonly ImportMethod[], { copyPrivileged = false }: PutFileOptions): boolean {
  return methods.includes('copy') || (copyPrivileged && methods.includes('hardlink') && mayHardLink() && givesRights(source));
}

function zeroCopyImpossible(source: number, path: string, methods: readonly ImportMethod[]): RepositoryError {
  const isPrivileged = methods.includes('hardlink') && givesRights(source);
  const failure = isPrivileged ? 'reflink failed, and a file with special rights is not hard linked' : 'reflink and hardlink both failed';
  return new RepositoryError('ZERO_COPY_IMPOSSIBLE', path, `${failure}; copy fallback is disabled (zerocopy mode)`);
}

/** CAP_DAC_READ_SEARCH, bit 2 of the effective capabilities: the right of those who could read the file anyway. */
function mayHardLink(): boolean {
  try {
    const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
    return effective !== undefined && (BigInt(`0x${effective}`) & 4n) !== 0n;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

const PIECE_SIZE = 1 << 20;
/** Set-user-id and set-group-id. */
const SPECIAL_BITS = 0o6000;
const CAPABILITIES = new TextEncoder().encode('security.capability');
