import type { Algorithm, ObjectId } from '@cfskit/fs-verity';

/** An object that is in the store now. */
export interface StoredObject {
  readonly id: ObjectId;
  /** Bytes of its content. */
  readonly size: number;
  /** Whether it was written by this call; `false` if it was there already. */
  readonly stored: boolean;
}

/** Options of {@link ObjectStore.put}. */
export interface PutOptions {
  /** Bytes to come, if known: another number is SIZE_MISMATCH, and nothing is stored. */
  readonly size?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link ObjectStore.open}. */
export interface OpenObjectOptions {
  /** Hash the content while it is read, also where nothing else vouches for it. `false` unless told. */
  readonly verify?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Contents, each under the fs-verity digest of its bytes.
 *
 * An object appears complete or not at all, and is never changed. Two that store the same content at the same moment both succeed.
 * `@cfskit/repository/testing` has checks for every sentence here.
 */
export interface ObjectStore {
  /** The algorithm of the ids. Every method refuses ids of another form with a `TypeError`. */
  readonly algorithm: Algorithm;

  /** Whether there is such an object. Its content is not looked at. */
  has(id: ObjectId): Promise<boolean>;

  /**
   * Store a content. What is there already is not written again. When the source fails, the size is wrong or the signal comes, nothing is
   * stored and no temporary file is left.
   *
   * @param source the bytes, or their pieces in order; pieces are not kept
   * @throws {RepositoryError} SIZE_MISMATCH, CORRUPT_OBJECT and others of the implementation; what the source throws; the signal's reason
   */
  put(source: Uint8Array | AsyncIterable<Uint8Array>, options?: PutOptions): Promise<StoredObject>;

  /**
   * Read a content, in pieces that belong to the consumer.
   *
   * @throws {RepositoryError} at the first piece NOT_FOUND, or CORRUPT_OBJECT where the store knows; with `verify`, CORRUPT_OBJECT after the
   *   last piece if the content is not what the id says; the signal's reason
   */
  open(id: ObjectId, options?: OpenObjectOptions): AsyncIterable<Uint8Array>;

  /** The ids of all objects, in ascending order. What is stored or removed meanwhile may be among them or not. */
  list(): AsyncIterable<ObjectId>;

  /**
   * Remove an object. The caller knows that nothing refers to it.
   *
   * @returns whether it was there
   */
  remove(id: ObjectId): Promise<boolean>;
}
