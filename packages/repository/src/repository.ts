import type { Algorithm, BlockHash, ObjectId } from '@cfskit/fs-verity';
import { LinuxError, syncfsAsync } from '@cfskit/linux';
import { SplitstreamError, type Splitstream, type SplitstreamWriter } from '@cfskit/splitstream';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageReader, RepositoryContext } from './context.ts';
import { RepositoryError } from './errors.ts';
import { check, checkObjectsAlone, type FsckOptions, type ObjectsReport, type VerifyObjectsOptions } from './fsck.ts';
import type { FsckReport } from './fsck-report.ts';
import { collect, type GcResult } from './gc.ts';
import { Gate } from './gate.ts';
import { listImages, openImage, readImage, type ImageEntry, type OpenedImage, type ReadImage } from './images.ts';
import { LocalObjectStore } from './local-object-store.ts';
import type { RepositoryMetadata } from './metadata.ts';
import { mountImage, type MountedImage, type MountImageOptions } from './mount-image.ts';
import { checkContentId, checkRefName, type Category } from './names.ts';
import { findStream, isLinkedTo, linkObject, linkRef, resolveStream } from './names-on-disk.ts';
import { listStreams, type StreamEntry } from './list-streams.ts';
import { Patience, type LockOptions } from './patience.ts';
import { listRefs, removeRef, type Ref } from './refs.ts';
import { lockTimeout, type RepositoryLock } from './repository-lock.ts';
import { storePieces, type PieceWriter } from './store-pieces.ts';
import { createStreamWriter, invalidStream, openStreamObject, storeStream, type StoredStream } from './stream-object.ts';
import { SyncQueue } from './sync-queue.ts';
import { kernelVerity, type VerityCalls } from './verity-calls.ts';
import { HOLD_PREFIX, temporaryName } from './temporary-name.ts';
import { assertWritable } from './writable.ts';

/** How a repository came to be open. One that is `inferred` has no `meta.json` before it is written to. */
export type OpenedAs = 'created' | 'inferred' | 'opened' | 'upgraded';

/** What an open repository is made of. */
export interface RepositoryState {
  readonly lock: RepositoryLock;
  readonly metadata: RepositoryMetadata;
  readonly secure: boolean;
  readonly openedAs: OpenedAs;
  /** Read-only-compatible features that this package does not know. */
  readonly unknownFeatures: readonly string[];
  /** Makes the `meta.json` that the repository lacks, before anything else is written. */
  readonly upgradeFirst: (() => void) | undefined;
  readonly imageReader: ImageReader | undefined;
  readonly onWarning: ((text: string) => void) | undefined;
  readonly verity: VerityCalls | undefined;
  readonly blockHash: BlockHash | undefined;
}

/** Options of {@link Repository.openStream}. */
export interface OpenStreamOptions {
  /** Content type that the stream must have. */
  readonly contentType?: bigint | undefined;
}

/** Options that give a stream or an image a reference. */
export interface NameOptions {
  /** Name below `refs/`: a root of garbage collection. */
  readonly ref?: string | undefined;
}

/** Options of {@link Repository.gc}. */
export interface GcOptions extends LockOptions {
  /** Content ids of streams and ids of images to keep besides what references keep. */
  readonly roots?: readonly string[] | undefined;
  /** Only count. The figures are those of a real collection. */
  readonly dryRun?: boolean | undefined;
  /**
   * Chooses, from the references to streams, those that keep nothing any more and go with this collection. Asked once, under its lock; a
   * collection that fails before it removes anything leaves them alone.
   */
  readonly letGo?: ((refs: readonly Ref[]) => readonly string[]) | undefined;
}

/**
 * An open repository. It holds the shared lock until {@link close}: no other process collects meanwhile.
 *
 * What is stored becomes findable last: object, then sync, then name. Within a process {@link transaction} keeps a collection out from the first
 * object to the last name.
 */
export class Repository {
  /** The root directory, absolute. */
  readonly path: string;
  readonly algorithm: Algorithm;
  readonly metadata: RepositoryMetadata;
  /** Whether every object must have fs-verity. */
  readonly secure: boolean;
  readonly openedAs: OpenedAs;
  readonly objects: LocalObjectStore;
  readonly #state: RepositoryState;
  readonly #context: RepositoryContext;
  readonly #gate: Gate = new Gate();
  readonly #syncs: SyncQueue = new SyncQueue(() => this.#syncNow());
  #writable = false;
  #closed = false;
  #warned = false;

  /** For {@link openRepository} and its like, which have done the checks. */
  constructor(state: RepositoryState) {
    const { lock, metadata, secure, imageReader, verity = kernelVerity, blockHash } = state;
    this.path = lock.path;
    this.algorithm = metadata.algorithm;
    this.metadata = metadata;
    this.secure = secure;
    this.openedAs = state.openedAs;
    this.objects = new LocalObjectStore({ path: this.path, algorithm: this.algorithm, secure, verity, blockHash });
    this.#state = state;
    const inferred = this.openedAs === 'inferred';
    this.#context = { path: this.path, algorithm: this.algorithm, secure, inferred, objects: this.objects, verity, imageReader };
  }

  /**
   * Refuse a repository that must not or cannot be written: read-only media, missing permission, unknown read-only-compatible features.
   * Call it before work begins; every operation that writes does. A repository that was to be upgraded when it is written to gets its
   * `meta.json` here.
   *
   * @throws {RepositoryError} READ_ONLY, CLOSED; with such an upgrade CONFLICTING_CONFIGURATION, VERITY_UNSUPPORTED
   */
  ensureWritable(): void {
    this.#checkOpen();
    if (this.#writable) return;
    assertWritable(this.path, this.#state.unknownFeatures);
    this.#state.upgradeFirst?.();
    this.#writable = true;
  }

  /**
   * Run `work` while no collection runs in this process: from before the first object is stored until everything has its name. Any number of
   * these may run at once, and inside one another; but a collection that is asked for inside of one waits for ever.
   *
   * @throws {RepositoryError} LOCK_TIMEOUT, CLOSED; the signal's reason; what `work` throws
   */
  async transaction<T>(work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
    this.#checkOpen();
    return this.#inside('shared', work, options);
  }

  /** Wait until everything written so far is on disk. Calls that come while one is at work share the next. */
  async sync(): Promise<void> {
    this.#checkOpen();
    await this.#syncs.request();
  }

  /**
   * The object of a stream, if there is one. A name that leads to an object that is gone counts as none.
   *
   * @throws {RepositoryError} INVALID_NAME, INVALID_LINK, UNEXPECTED_FILE_TYPE, CLOSED
   */
  hasStream(contentId: string): ObjectId | undefined {
    this.#checkOpen();
    return findStream(this.#context, contentId);
  }

  /**
   * Open a stream by content id, by `refs/` and the name of a reference, or by the id of its object. Where the repository is secure the kernel
   * vouches for the file.
   *
   * @throws {RepositoryError} NOT_FOUND, INVALID_NAME, INVALID_STREAM (the cause is a SplitstreamError), CORRUPT_OBJECT, VERITY_MISSING, CLOSED
   */
  async openStream(name: string | { readonly id: ObjectId }, options: OpenStreamOptions = {}): Promise<Splitstream> {
    this.#checkOpen();
    const id = typeof name === 'string' ? resolveStream(this.#context, name) : name.id;
    try {
      return await openStreamObject(this.objects, id, options.contentType);
    } catch (cause) {
      if (!(cause instanceof SplitstreamError)) throw cause;
      throw invalidStream(typeof name === 'string' ? name : id, cause);
    }
  }

  /**
   * A writer for a stream of this repository.
   *
   * @throws {RepositoryError} READ_ONLY, CLOSED
   */
  createStreamWriter(contentType: bigint): SplitstreamWriter {
    this.ensureWritable();
    return createStreamWriter(this.objects, contentType);
  }

  /**
   * Finish a stream, store it and name it: object, sync, `streams/<content id>`, then the reference. A name that leads elsewhere is repointed,
   * which can make what refers to the old stream incomplete at the next collection by another program: ask {@link hasStream} first.
   *
   * @throws {RepositoryError} INVALID_NAME, READ_ONLY, CLOSED and those of storing
   */
  async writeStream(writer: SplitstreamWriter, contentId: string, options: NameOptions = {}): Promise<StoredStream> {
    this.#checkNames(contentId, options.ref);
    return this.transaction(async () => {
      const stored = await storeStream(this.objects, writer);
      await this.#nameStream(contentId, stored.id, options.ref);
      return stored;
    });
  }

  /**
   * Name a stream whose object has been stored, by whichever thread. Everything stored so far is synced first; calls at the same time share
   * one sync.
   *
   * @throws {RepositoryError} NOT_FOUND if there is no such object; INVALID_NAME, READ_ONLY, CLOSED
   */
  async registerStream(contentId: string, id: ObjectId, ref?: string): Promise<void> {
    this.#checkNames(contentId, ref);
    await this.transaction(() => this.#nameStream(contentId, id, ref));
  }

  /**
   * Give a stream's object a name of its own for a while. Collectors of other programs follow names, so a stream that takes over another's name
   * step by step needs one in between. What a killed process leaves goes with
   * a collection, once the stream has another name.
   *
   * @returns takes the name away again
   * @throws {RepositoryError} as {@link registerStream}
   */
  async holdStream(id: ObjectId): Promise<() => void> {
    const name = temporaryName(HOLD_PREFIX);
    await this.registerStream(name, id);
    return () => rmSync(join(this.path, 'streams', name), { force: true });
  }

  /**
   * The stream of this content id, made by `produce` if it is not there yet. The reference is set in both cases.
   *
   * @returns the id of its object
   * @throws {RepositoryError} as {@link writeStream}; what `produce` throws
   */
  async ensureStream(contentId: string, produce: () => Promise<SplitstreamWriter>, options: NameOptions = {}): Promise<ObjectId> {
    this.#checkNames(contentId, options.ref);
    return this.transaction(async () => {
      const known = this.hasStream(contentId);
      if (known === undefined) return (await this.writeStream(await produce(), contentId, options)).id;
      if (options.ref !== undefined) linkRef(this.path, 'streams', options.ref, contentId);
      return known;
    });
  }

  /**
   * Make `refs/<ref>` lead to a stream, in place of what it leads to now.
   *
   * @throws {RepositoryError} NOT_FOUND if there is no such stream; INVALID_NAME, READ_ONLY, CLOSED
   */
  async nameStream(contentId: string, ref: string): Promise<void> {
    this.#checkNames(contentId, ref);
    await this.#naming('streams', contentId, ref, () => this.hasStream(contentId) !== undefined);
  }

  /**
   * Remove a reference. What it named stays until collection.
   *
   * @returns whether there was one
   * @throws {RepositoryError} INVALID_NAME, UNEXPECTED_FILE_TYPE, READ_ONLY, CLOSED
   */
  async removeRef(name: string, category: Category = 'streams'): Promise<boolean> {
    this.ensureWritable();
    return removeRef(this.path, name, category);
  }

  /**
   * The references below `refs/<prefix>`, in the order of their paths; names are relative to the prefix.
   *
   * @throws {RepositoryError} INVALID_NAME, CLOSED
   */
  listRefs(prefix = '', category: Category = 'streams'): readonly Ref[] {
    this.#checkOpen();
    return listRefs(this.path, prefix, category);
  }

  /** The streams, in the order of their content ids, with the references to each. */
  streams(): readonly StreamEntry[] {
    this.#checkOpen();
    return listStreams(this.#context);
  }

  /** The EROFS images, in the order of their ids, with the references to each. */
  images(): readonly ImageEntry[] {
    this.#checkOpen();
    return listImages(this.#context);
  }

  /**
   * Store an EROFS image, sync, and name it: `images/<id>`, then the reference. The bytes are taken as they are.
   *
   * @param image its bytes, or a function that writes them piece by piece, so that they need not be in memory at once
   * @throws {RepositoryError} INVALID_NAME, READ_ONLY, CLOSED and those of storing; what `image` throws, and nothing is stored then
   */
  async writeImage(image: Uint8Array | PieceWriter, options: NameOptions = {}): Promise<ObjectId> {
    if (options.ref !== undefined) checkRefName(options.ref);
    this.ensureWritable();
    return this.transaction(async () => {
      const { id, stored } = typeof image === 'function' ? storePieces(this.objects, image) : this.objects.putSync(image);
      if (stored || !isLinkedTo(this.path, 'images', id, id)) {
        await this.sync();
        linkObject(this.path, 'images', id, id);
      }
      if (options.ref !== undefined) linkRef(this.path, 'images', options.ref, id);
      return id;
    });
  }

  /**
   * Make `images/refs/<ref>` lead to an image, in place of what it leads to now.
   *
   * @throws {RepositoryError} NOT_FOUND if there is no such image; INVALID_NAME, READ_ONLY, CLOSED
   */
  async nameImage(id: ObjectId, ref: string): Promise<void> {
    checkRefName(ref);
    await this.#naming('images', id, ref, () => isLinkedTo(this.path, 'images', id, id) && this.objects.hasSync(id));
  }

  /**
   * Find an image by its id, by `refs/` and the name of a reference, or by such a name alone, and check its content.
   *
   * @throws {RepositoryError} NOT_FOUND, INVALID_NAME, CORRUPT_OBJECT, VERITY_MISSING, CLOSED
   */
  openImage(name: string): OpenedImage {
    this.#checkOpen();
    return openImage(this.#context, name);
  }

  /**
   * Find an image as {@link openImage} does, and read it.
   *
   * @throws {RepositoryError} as there; TOO_LARGE
   */
  readImage(name: string): ReadImage {
    this.#checkOpen();
    return readImage(this.#context, name);
  }

  /**
   * Mount an image over a directory: the image as EROFS, its files from `objects` by overlayfs, fs-verity demanded if the repository is secure.
   * The image is found and checked as {@link openImage} does. The mount outlives the repository handle and its lock: what keeps the image and
   * its objects from collection is a reference.
   *
   * @throws {RepositoryError} as openImage. {LinuxError} EPERM for who may not mount, and others of the kernel. Node's own errors.
   */
  mountImage(name: string, target: string, options: MountImageOptions = {}): MountedImage {
    this.#checkOpen();
    return mountImage(this.#context, name, target, options);
  }

  /**
   * Remove every object that no reference reaches, and the names of streams and images that lead to them. Waits for the exclusive lock: until no
   * other handle is open, in any process, and no transaction runs in this one. A dry run only needs the shared lock.
   *
   * Nothing is removed if a reference dangles, a stream in use cannot be read, or images are in use and there is no reader for them.
   *
   * @throws {RepositoryError} LOCK_TIMEOUT, UNLOCKED, READ_ONLY, CLOSED, and those of `mark`; the signal's reason
   */
  async gc(options: GcOptions = {}): Promise<GcResult> {
    const { roots = [], dryRun = false, letGo = () => [], signal } = options;
    const run = (): Promise<GcResult> => collect(this.#context, { roots, dryRun, letGo, signal, sync: () => this.#syncNow() });
    this.#checkOpen();
    if (dryRun) return this.#inside('shared', run, options);
    this.ensureWritable();
    return this.#inside('exclusive', () => this.#exclusively(run, options), options);
  }

  /**
   * Check the repository: every object against its name, every stream and image and what they refer to, every reference. Changes nothing.
   *
   * @throws {RepositoryError} CLOSED. Node's own errors for directories that cannot be read. The signal's reason.
   */
  async fsck(options: FsckOptions = {}): Promise<FsckReport> {
    this.#checkOpen();
    return this.#inside('shared', () => check(this.#context, options), { signal: options.signal });
  }

  /**
   * The part of {@link fsck} that is about objects: each against its name.
   *
   * @throws {TypeError} for an id of another form. {RepositoryError} CLOSED. The signal's reason.
   */
  async verifyObjects(options: VerifyObjectsOptions = {}): Promise<ObjectsReport> {
    this.#checkOpen();
    return this.#inside('shared', () => checkObjectsAlone(this.#context, options), { signal: options.signal });
  }

  /** Give up the lock. The handle is of no use afterwards; a second call does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#state.lock.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #nameStream(contentId: string, id: ObjectId, ref: string | undefined): Promise<void> {
    if (!this.objects.hasSync(id))
      throw new RepositoryError('NOT_FOUND', `streams/${contentId}`, `no object ${id} for stream '${contentId}'`);
    // Also where the name is right already: its object may have been lost, and stored again just now.
    await this.sync();
    linkObject(this.path, 'streams', contentId, id);
    if (ref !== undefined) linkRef(this.path, 'streams', ref, contentId);
  }

  async #naming(category: Category, target: string, ref: string, exists: () => boolean): Promise<void> {
    this.ensureWritable();
    await this.transaction(async () => {
      const path = `${category}/${target}`;
      if (!exists()) throw new RepositoryError('NOT_FOUND', path, `cannot name ${path} '${ref}': it does not exist`);
      linkRef(this.path, category, ref, target);
    });
  }

  #checkNames(contentId: string, ref: string | undefined): void {
    checkContentId(contentId);
    if (ref !== undefined) checkRefName(ref);
    this.ensureWritable();
  }

  /** What this handle has seen may be gone: on the way to the exclusive lock another process may have collected. */
  async #exclusively<T>(work: () => Promise<T>, options: LockOptions): Promise<T> {
    try {
      return await this.#state.lock.exclusively(work, options);
    } finally {
      this.objects.forget();
    }
  }

  async #inside<T>(mode: 'exclusive' | 'shared', work: () => Promise<T>, options: LockOptions): Promise<T> {
    const leave = await this.#gate.enter(mode, new Patience(mode, options));
    if (leave === undefined) throw lockTimeout(this.path, mode, options.lockTimeoutMs);
    try {
      this.#checkOpen();
      return await work();
    } finally {
      leave();
    }
  }

  async #syncNow(): Promise<void> {
    try {
      await syncfsAsync(this.#state.lock.fd);
    } catch (error) {
      if (!(error instanceof LinuxError) || error.code !== 'UNSUPPORTED') throw error;
      if (!this.#warned) this.#state.onWarning?.('this system has no syncfs: after a power failure new names may lead to incomplete files');
      this.#warned = true;
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new RepositoryError('CLOSED', this.path, `repository ${this.path} has been closed`);
  }
}
