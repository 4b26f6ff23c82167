import { CompressionError, decode } from '@cfskit/compression';
import { fileChunks } from '@cfskit/linux';
import { join } from 'node:path';
import { bigDataFile } from './big-data.ts';
import { ContainersStorageError } from './errors.ts';
import { holdReadLock, type LockOptions } from './read-lock.ts';
import { parseImages, parseLayers, type ImageRecord, type LayerRecord, type Listed } from './records.ts';
import { Directory } from './store-files.ts';
import type { StorePlace } from './locate-stores.ts';

/** A driver whose layers are directories of files. */
type Driver = 'overlay' | 'vfs';

const DRIVERS: readonly Driver[] = ['overlay', 'vfs'];

/** Where a driver keeps the files of a layer. */
const FILES: Record<Driver, (id: string) => string> = { overlay: (id) => `overlay/${id}/diff`, vfs: (id) => `vfs/dir/${id}` };

/** Longest `images.json` and `layers.json`: stores with tens of thousands of layers. */
const MAX_DOCUMENT = 64 * 1024 * 1024;

/** The images and layers of a store, and where their bytes are. */
export class Store {
  readonly path: string;
  readonly driver: Driver;
  readonly #root: Directory;

  private constructor(root: Directory, driver: Driver) {
    this.path = root.path;
    this.driver = driver;
    this.#root = root;
  }

  /**
   * @returns undefined if there is no store
   * @throws {ContainersStorageError} UNSUPPORTED_DRIVER, NOT_READABLE
   */
  static open({ root: path, driver }: StorePlace): Store | undefined {
    const root = Directory.open(path);
    if (root === undefined) return undefined;
    try {
      const found = driver === undefined ? DRIVERS.find((name) => hasImages(root, name)) : knownDriver(driver, path);
      if (found !== undefined && hasImages(root, found)) return new Store(root, found);
    } catch (error) {
      root.close();
      throw error;
    }
    root.close();
    return undefined;
  }

  /** @throws {ContainersStorageError} INVALID_STORE, TOO_LARGE, NOT_READABLE; the signal's reason */
  async images(options: LockOptions): Promise<Listed<readonly ImageRecord[]>> {
    return this.#document('images', options, (bytes, path) => (bytes === undefined ? { records: [] } : parseImages(bytes, path)));
  }

  /** @throws as {@link images} */
  async layers(options: LockOptions): Promise<Listed<ReadonlyMap<string, LayerRecord>>> {
    return this.#document('layers', options, (bytes, path) => (bytes === undefined ? { records: new Map() } : parseLayers(bytes, path)));
  }

  /** A document that is kept beside an image; undefined if it is not there. */
  bigData(image: ImageRecord, name: string, limit: number): Uint8Array<ArrayBuffer> | undefined {
    return this.#root.readFile(`${this.driver}-images/${image.id}/${bigDataFile(name)}`, limit);
  }

  /** Keep layers from being removed, until what is returned is called. */
  async holdLayers(options: LockOptions): Promise<() => void> {
    return this.#hold('layers', options);
  }

  /**
   * What `tar-split` kept of a layer, decompressed.
   *
   * @throws {ContainersStorageError} INVALID_TAR_SPLIT if there is none, or it cannot be decompressed; the signal's reason
   */
  async *tarSplit({ id }: LayerRecord, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void> {
    const name = `${this.driver}-layers/${id}.tar-split.gz`;
    const path = join(this.path, name);
    const file = this.#root.openFile(name);
    if (file === undefined || file === 'no file')
      throw new ContainersStorageError('INVALID_TAR_SPLIT', path, 'the headers of this layer were not kept');
    try {
      yield* decode(fileChunks(file.fd, file.size), { format: 'gzip', ...(signal && { signal }) });
    } catch (cause) {
      if (!(cause instanceof CompressionError)) throw cause;
      throw new ContainersStorageError('INVALID_TAR_SPLIT', path, `the headers of this layer are damaged (${cause.message})`, { cause });
    } finally {
      file.close();
    }
  }

  /**
   * The directory with the files of a layer.
   *
   * @throws {ContainersStorageError} MISSING_DATA, NOT_READABLE
   */
  files({ id }: LayerRecord): Directory {
    const name = FILES[this.driver](id);
    const directory = this.#root.directory(name);
    if (directory === undefined)
      throw new ContainersStorageError('MISSING_DATA', join(this.path, name), 'the files of this layer are not there');
    return directory;
  }

  close(): void {
    this.#root.close();
  }

  async #document<T>(
    kind: 'images' | 'layers',
    options: LockOptions,
    parse: (bytes: Uint8Array | undefined, path: string) => T,
  ): Promise<T> {
    const release = await this.#hold(kind, options);
    const name = `${this.driver}-${kind}/${kind}.json`;
    try {
      return parse(this.#root.readFile(name, MAX_DOCUMENT), join(this.path, name));
    } finally {
      release();
    }
  }

  #hold(kind: 'images' | 'layers', options: LockOptions): Promise<() => void> {
    return holdReadLock(this.#root, `${this.driver}-${kind}/${kind}.lock`, options);
  }
}

function hasImages(root: Directory, driver: Driver): boolean {
  const directory = root.directory(`${driver}-images`);
  directory?.close();
  return directory !== undefined;
}

function knownDriver(name: string, path: string): Driver {
  const driver = DRIVERS.find((one) => one === name || (one === 'overlay' && name === 'overlay2'));
  if (driver === undefined) throw new ContainersStorageError('UNSUPPORTED_DRIVER', path, `wanted overlay or vfs, found ${name}`);
  return driver;
}
