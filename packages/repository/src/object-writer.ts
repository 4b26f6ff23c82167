import { fsVerityDigest, FsVerityHasher, type Algorithm, type BlockHash } from '@cfskit/fs-verity';
import { haveSameContent, hasContent } from './compare-content.ts';
import { RepositoryError } from './errors.ts';
import type { ObjectFiles } from './object-files.ts';
import type { ObjectPlacement } from './object-placement.ts';
import type { StoredObject } from './object-store.ts';
import { StagedFile } from './staged-file.ts';

/** What a store lends to those who write into it. */
export interface WriterHost {
  readonly algorithm: Algorithm;
  readonly blockHash: BlockHash | undefined;
  readonly files: ObjectFiles;
  readonly placement: ObjectPlacement;
}

/** Contents up to this size are hashed in memory before anything is written; larger ones go to a temporary file while they are hashed. */
const SMALL_OBJECT: number = 1 << 20;

/**
 * Store a content that is in memory as a whole.
 *
 * @throws {RepositoryError} CORRUPT_OBJECT, VERITY_MISSING, VERITY_UNSUPPORTED. Node's own errors. No file is left.
 */
export function storeBytes({ algorithm, blockHash, files, placement }: WriterHost, bytes: Uint8Array): StoredObject {
  const id = fsVerityDigest(bytes, algorithm, { blockHash });
  const found = placement.look(id, (fd) => hasContent(fd, bytes));
  if (found === 'present') return { id, size: bytes.byteLength, stored: false };
  files.prepare();
  const file = new StagedFile(files.directory);
  try {
    file.write(bytes);
    return { id, size: bytes.byteLength, stored: placement.place(file, id, found) };
  } finally {
    file.close();
  }
}

/**
 * Stores one content that comes in pieces. Synchronous, for use inside a push parser.
 *
 * Ends with {@link finish} or {@link abort}; every error is an abort, too.
 */
export class ObjectWriter {
  readonly #host: WriterHost;
  readonly #expectedSize: number | undefined;
  /** Bytes that are kept in memory; none of a content that is known to be too large for that. */
  readonly #keepMax: number;
  #size = 0;
  #buffer: Uint8Array;
  #large: { readonly file: StagedFile; readonly hasher: FsVerityHasher } | undefined;
  #ended = false;

  /** @param expectedSize bytes to come, if known */
  constructor(host: WriterHost, expectedSize?: number) {
    this.#host = host;
    this.#expectedSize = expectedSize;
    this.#keepMax = (expectedSize ?? 0) > SMALL_OBJECT ? 0 : SMALL_OBJECT;
    this.#buffer = Buffer.allocUnsafe(Math.min(expectedSize ?? FIRST_BUFFER, this.#keepMax));
  }

  /**
   * Take the next bytes; the buffer may be used again afterwards.
   *
   * @throws {RepositoryError} SIZE_MISMATCH if they are more than announced. Node's own errors, for instance ENOSPC.
   */
  write(bytes: Uint8Array): void {
    this.#checkOpen();
    try {
      this.#size += bytes.byteLength;
      this.#checkSize(this.#size <= (this.#expectedSize ?? Infinity));
      if (this.#large === undefined && this.#size <= this.#keepMax) this.#keep(bytes);
      else this.#append(bytes);
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  /**
   * Store what has come.
   *
   * @throws {RepositoryError} SIZE_MISMATCH if it is less than announced; CORRUPT_OBJECT, VERITY_MISSING, VERITY_UNSUPPORTED. Node's own errors.
   */
  finish(): StoredObject {
    this.#checkOpen();
    try {
      this.#checkSize(this.#size === (this.#expectedSize ?? this.#size));
      if (this.#large === undefined) return storeBytes(this.#host, this.#buffer.subarray(0, this.#size));
      return this.#place(this.#large.file, this.#large.hasher);
    } finally {
      this.abort();
    }
  }

  /** Forget what has come. May be called at any time, more than once. */
  abort(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#buffer = EMPTY;
    this.#large?.file.close();
  }

  #place(file: StagedFile, hasher: FsVerityHasher): StoredObject {
    const { placement } = this.#host;
    const id = hasher.objectId();
    const found = placement.look(id, (fd) => haveSameContent(fd, file.fd));
    return { id, size: this.#size, stored: placement.place(file, id, found) };
  }

  #keep(bytes: Uint8Array): void {
    const start = this.#size - bytes.byteLength;
    if (this.#size > this.#buffer.byteLength) {
      const grown = Buffer.allocUnsafe(Math.min(Math.max(this.#size, 2 * this.#buffer.byteLength), SMALL_OBJECT));
      grown.set(this.#buffer.subarray(0, start));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, start);
  }

  #append(bytes: Uint8Array): void {
    const { file, hasher } = (this.#large ??= this.#startFile(this.#size - bytes.byteLength));
    file.write(bytes);
    hasher.update(bytes);
  }

  /** From now on to a file; what is in memory goes first. */
  #startFile(kept: number): { readonly file: StagedFile; readonly hasher: FsVerityHasher } {
    const { algorithm, blockHash, files } = this.#host;
    const hasher = new FsVerityHasher(algorithm, { blockHash });
    const beginning = this.#buffer.subarray(0, kept);
    hasher.update(beginning);
    files.prepare();
    const file = new StagedFile(files.directory);
    try {
      file.write(beginning);
    } catch (error) {
      file.close();
      throw error;
    }
    this.#buffer = EMPTY;
    return { file, hasher };
  }

  #checkOpen(): void {
    if (this.#ended) throw new TypeError('this object has been finished or aborted');
  }

  #checkSize(fits: boolean): void {
    if (fits) return;
    throw new RepositoryError('SIZE_MISMATCH', 'objects', `Expected ${this.#expectedSize} bytes, got ${this.#size}`);
  }
}

const EMPTY: Uint8Array = new Uint8Array(0);
const FIRST_BUFFER = 1 << 16;
