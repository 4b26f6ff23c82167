import { readFully } from '@cfskit/linux';
import { FsVerityHasher, objectPath, type Algorithm, type BlockHash, type ObjectId } from '@cfskit/fs-verity';
import { closeSync, fstatSync, read } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { RepositoryError } from './errors.ts';
import { FileImporter, type ImportedFile, type PutFileOptions } from './file-import.ts';
import { nativeHash } from './native-hash.ts';
import { idOf, namesIn, OBJECT_DIRECTORIES, ObjectFiles } from './object-files.ts';
import { ObjectPlacement } from './object-placement.ts';
import type { ObjectStore, OpenObjectOptions, PutOptions, StoredObject } from './object-store.ts';
import { corrupt, ObjectVerity } from './object-verity.ts';
import { ObjectWriter, storeBytes, type WriterHost } from './object-writer.ts';
import { kernelVerity, type VerityCalls } from './verity-calls.ts';

/** Where objects are and what is asked of them. But for the last two, plain data that can be sent to a worker thread. */
export interface LocalObjectStoreOptions {
  /** Root of the repository. */
  readonly path: string;
  /** Directory of the objects, which is made if it is missing; `objects` below the root unless told. */
  readonly directory?: string | undefined;
  readonly algorithm: Algorithm;
  /** Whether every object must have fs-verity. */
  readonly secure: boolean;
  /** Hash function for new objects; unless given, the fastest that this thread can have. */
  readonly blockHash?: BlockHash | undefined;
  /** The kernel's fs-verity calls unless told. */
  readonly verity?: VerityCalls | undefined;
}

/** What {@link LocalObjectStore.statSync} tells. */
export interface ObjectStat {
  readonly size: number;
  /** Names that the file has, here and elsewhere. */
  readonly linkCount: number;
  /** The digest that the kernel has for it; undefined if it has no fs-verity. */
  readonly verity: string | undefined;
}

/** Options of {@link LocalObjectStore.readSync}. */
export interface ReadObjectOptions {
  /** Refuse contents of more bytes than this. */
  readonly limit: number;
  /** Hash the content where nothing else vouches for it. `false` unless told. */
  readonly verify?: boolean | undefined;
}

/**
 * The objects of a repository in a local directory.
 *
 * It takes no lock: whoever uses it holds the repository's lock, in this process, from before the first object is stored until what refers to
 * it has its name. Several of them, in several threads, may work on one directory. It remembers which objects it has seen, so let none of them
 * outlive a collection, or call {@link forget}.
 */
export class LocalObjectStore implements ObjectStore {
  readonly algorithm: Algorithm;
  readonly secure: boolean;
  /** Root of the repository. */
  readonly path: string;
  /** Of the objects. */
  readonly directory: string;
  readonly #files: ObjectFiles;
  readonly #verity: ObjectVerity;
  readonly #placement: ObjectPlacement;
  readonly #blockHash: BlockHash | undefined;
  #host: WriterHost | undefined;
  #importer: FileImporter | undefined;

  constructor(options: LocalObjectStoreOptions) {
    this.algorithm = options.algorithm;
    this.secure = options.secure;
    this.path = options.path;
    this.directory = options.directory ?? join(options.path, 'objects');
    this.#files = new ObjectFiles(this.directory);
    this.#verity = new ObjectVerity(options.algorithm, options.secure, options.verity ?? kernelVerity);
    this.#placement = new ObjectPlacement(this.#files, this.#verity);
    this.#blockHash = options.blockHash;
  }

  /** Path of the file that an object has, or would have. */
  pathOf(id: ObjectId): string {
    return this.#files.path(this.#check(id));
  }

  /** Whether there is such an object. Its content is not looked at. */
  hasSync(id: ObjectId): boolean {
    return this.#files.stat(this.#check(id)) !== undefined;
  }

  /** Bytes of an object; undefined if there is none. */
  sizeSync(id: ObjectId): number | undefined {
    return this.#files.stat(this.#check(id))?.size;
  }

  /** What is known of an object without reading it; undefined if there is none. */
  statSync(id: ObjectId): ObjectStat | undefined {
    const stat = this.#files.stat(this.#check(id));
    if (stat === undefined) return undefined;
    const fd = this.#files.open(id);
    try {
      return { size: stat.size, linkCount: stat.nlink, verity: this.#verity.measured(fd) };
    } finally {
      closeSync(fd);
    }
  }

  /**
   * Store a content that is in memory as a whole. It is hashed first, and written only if it is not there.
   *
   * An object that is there without verity is compared with `bytes`, and replaced if it differs: it was damaged.
   *
   * @throws {RepositoryError} CORRUPT_OBJECT, VERITY_MISSING, VERITY_UNSUPPORTED. Node's own errors. No file is left.
   */
  putSync(bytes: Uint8Array): StoredObject {
    return storeBytes(this.#writerHost(), bytes);
  }

  /**
   * Store a content that comes in pieces: up to 1 MiB as {@link putSync} does, above that through a temporary file while it is hashed.
   *
   * @param size bytes to come, if known
   */
  createWriterSync(size?: number): ObjectWriter {
    return new ObjectWriter(this.#writerHost(), size);
  }

  /**
   * Store the content of a file: by sharing its blocks, by a hard link to it where that is asked for and allowed, or by a copy.
   *
   * @throws {RepositoryError} SIZE_MISMATCH, UNEXPECTED_FILE_TYPE, ZERO_COPY_IMPOSSIBLE; as putSync
   */
  putFile(path: string, options: PutFileOptions = {}): Promise<ImportedFile> {
    this.#importer ??= new FileImporter(this.#writerHost(), (fd, id) => this.#verity.enableSource(fd, id));
    return this.#importer.put(path, options);
  }

  /**
   * Open an object for reading. The caller closes the descriptor.
   *
   * @throws {RepositoryError} NOT_FOUND; CORRUPT_OBJECT if the kernel has another digest for it; VERITY_MISSING, VERITY_UNSUPPORTED in a secure
   *   repository. In an insecure one nobody looks at the content.
   */
  openSync(id: ObjectId): number {
    return this.#openVouched(id).fd;
  }

  /**
   * Read a whole object.
   *
   * @throws {RepositoryError} as {@link openSync}; TOO_LARGE; with `verify`, CORRUPT_OBJECT
   */
  readSync(id: ObjectId, { limit, verify = false }: ReadObjectOptions): Uint8Array<ArrayBuffer> {
    const { fd, vouched } = this.#openVouched(id);
    try {
      const { size } = fstatSync(fd);
      if (size > limit) throw new RepositoryError('TOO_LARGE', `objects/${objectPath(id)}`, `wanted at most ${limit} bytes, found ${size}`);
      const bytes = new Uint8Array(size);
      const content = bytes.subarray(0, readFully(fd, bytes, 0));
      if (verify && !vouched) this.#checkHash(id, this.#hasher(), content);
      return content;
    } finally {
      closeSync(fd);
    }
  }

  /** The directory `objects`, made if it is missing: where files may wait for their names. */
  prepareDirectory(): string {
    this.#files.prepare();
    return this.#files.directory;
  }

  /** Forget which objects have been seen. Needed after somebody has removed some. */
  forget(): void {
    this.#placement.forget();
  }

  async has(id: ObjectId): Promise<boolean> {
    return this.hasSync(id);
  }

  async put(source: Uint8Array | AsyncIterable<Uint8Array>, { size, signal }: PutOptions = {}): Promise<StoredObject> {
    signal?.throwIfAborted();
    const writer = this.createWriterSync(size);
    try {
      for await (const piece of source instanceof Uint8Array ? [source] : source) {
        signal?.throwIfAborted();
        writer.write(piece);
      }
      return writer.finish();
    } finally {
      writer.abort();
    }
  }

  async *open(id: ObjectId, { verify = false, signal }: OpenObjectOptions = {}): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    signal?.throwIfAborted();
    const { fd, vouched } = this.#openVouched(id);
    const hasher = verify && !vouched ? this.#hasher() : undefined;
    try {
      for await (const piece of readPieces(fd)) {
        signal?.throwIfAborted();
        hasher?.update(piece);
        yield piece;
      }
    } finally {
      closeSync(fd);
    }
    if (hasher !== undefined) this.#checkHash(id, hasher);
  }

  async *list(): AsyncGenerator<ObjectId, void> {
    for (const directory of OBJECT_DIRECTORIES) {
      for (const name of namesIn(this.#files.directory, directory)) {
        const id = idOf(directory, name, this.algorithm);
        if (id !== undefined && id.endsWith(name)) yield id;
      }
    }
  }

  async remove(id: ObjectId): Promise<boolean> {
    this.#placement.forget(this.#check(id));
    return this.#files.remove(id);
  }

  #openVouched(id: ObjectId): { readonly fd: number; readonly vouched: boolean } {
    const fd = this.#files.open(this.#check(id));
    try {
      return { fd, vouched: this.#verity.vouches(fd, id, 'Verifying file verity digest') };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  #checkHash(id: ObjectId, hasher: FsVerityHasher, rest?: Uint8Array): void {
    if (rest !== undefined) hasher.update(rest);
    const found = hasher.objectId();
    if (found !== id) throw corrupt(id, found, 'Verifying object content');
  }

  #hasher(): FsVerityHasher {
    return new FsVerityHasher(this.algorithm, { blockHash: this.#writerHost().blockHash });
  }

  /** Native hashing is looked for when something is hashed: a store that only reads costs nothing. */
  #writerHost(): WriterHost {
    return (this.#host ??= {
      algorithm: this.algorithm,
      blockHash: this.#blockHash ?? nativeHash(this.algorithm),
      files: this.#files,
      placement: this.#placement,
    });
  }

  #check(id: ObjectId): ObjectId {
    if (id.length !== (this.algorithm === 'sha256' ? 64 : 128)) throw new TypeError(`not an object id of ${this.algorithm}: ${id}`);
    return id;
  }
}

const readAsync = promisify(read);

/** The content of an open file. Small ones are read at once, which is faster than asking the thread pool; large ones leave the event loop free. */
async function* readPieces(fd: number): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const { size } = fstatSync(fd);
  const piece = new Uint8Array(Math.min(size, PIECE_SIZE));
  if (size <= PIECE_SIZE) {
    const filled = readFully(fd, piece, 0);
    if (filled > 0) yield piece.subarray(0, filled);
    return;
  }
  for (let position = 0; ;) {
    const { buffer, bytesRead } = await readAsync(fd, new Uint8Array(PIECE_SIZE), 0, PIECE_SIZE, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

const PIECE_SIZE = 1 << 20;
