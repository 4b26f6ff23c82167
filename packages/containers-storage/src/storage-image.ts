import {
  formatPlatform,
  matchesPlatform,
  mediaTypes,
  nativePlatform,
  OciSpecError,
  type Descriptor,
  type ImageSource,
  type LayerPiece,
  type OpenOptions,
  type ResolvedManifest,
  type ResolveOptions,
} from '@cfskit/oci-spec';
import { ContainersStorageError } from './errors.ts';
import { findImage, type WantedImage } from './find-image.ts';
import { bytesOf, layerPieces } from './layer-pieces.ts';
import { Skipped } from './skipped.ts';
import type { Store } from './store.ts';
import { readImage, type NamedLayer, type StoredImage } from './stored-image.ts';

/** What an image is opened with. */
export interface StorageImageOptions {
  /** The reference, for messages. */
  readonly reference: string;
  readonly wanted: WantedImage;
  readonly stores: readonly Store[];
  /** Why another store was not opened. */
  readonly skipped?: ContainersStorageError | undefined;
  readonly onWarning: (text: string) => void;
}

/** An image in a storage of containers, as an {@link ImageSource}. Made by `openContainersStorage`. */
export class StorageImage implements ImageSource {
  readonly #options: StorageImageOptions;
  #image: StoredImage | undefined;
  #isClosed = false;

  constructor(options: StorageImageOptions) {
    this.#options = options;
  }

  /** `containers-storage:localhost/app:1`. */
  describe(): string {
    return this.#options.reference;
  }

  /**
   * Find the image, in the first store that has it, and read its manifest. A store that cannot be read counts only if no other has the image. Where
   * no platform is asked for, an image for another machine is taken with a warning.
   *
   * @throws {ContainersStorageError} IMAGE_NOT_FOUND, INVALID_STORE, MISSING_DATA, LAYER_MISMATCH, NOT_READABLE, TOO_LARGE
   * @throws {OciSpecError} NO_MATCH; TAG_NOT_FOUND for any tag; what parsing gives {VerifyError}; the signal's reason
   */
  async resolve(options: ResolveOptions = {}): Promise<ResolvedManifest> {
    options.signal?.throwIfAborted();
    if (options.tag !== undefined)
      throw new OciSpecError('TAG_NOT_FOUND', `Tag '${options.tag}' not found: ${this.describe()} is one image`);
    const image = await this.#read(options.signal);
    this.#checkPlatform(image, options);
    const { manifest: descriptor, manifestRaw: raw, platform } = image;
    return { descriptor, raw, ...(platform !== undefined && { platform }) };
  }

  /**
   * The layers of the image, each a plain tar under its diff_id.
   *
   * @throws {ContainersStorageError} LAYER_MISMATCH if the resolved image is another one
   */
  async storedLayers({ descriptor }: ResolvedManifest, { signal }: OpenOptions = {}): Promise<readonly Descriptor[]> {
    const { manifest, diffIds, layers } = await this.#read(signal);
    if (manifest.digest !== descriptor.digest) {
      throw new ContainersStorageError(
        'LAYER_MISMATCH',
        this.describe(),
        `wanted the layers of ${descriptor.digest}, found ${manifest.digest}`,
      );
    }
    return diffIds.map((digest) => ({ mediaType: mediaTypes.layer, digest, size: layers.get(digest)!.size }));
  }

  /**
   * The bytes of the manifest, the config or a layer, unverified. Layers are put together from their headers and files, in chunks of 512 KiB.
   *
   * @throws {ContainersStorageError} at the first chunk or later: BLOB_NOT_FOUND, INVALID_TAR_SPLIT, UNSAFE_PATH, FILE_CHANGED, NOT_READABLE
   */
  async *open(descriptor: Descriptor, { signal }: OpenOptions = {}): AsyncGenerator<Uint8Array, void> {
    signal?.throwIfAborted();
    const document = (await this.#read(signal)).documents.get(descriptor.digest);
    if (document !== undefined) yield document.slice();
    else yield* bytesOf(this.openPieces(descriptor, signal === undefined ? {} : { signal }));
    signal?.throwIfAborted();
  }

  /**
   * The bytes of a layer, the contents of its files as open files. The layer cannot be removed from its store meanwhile.
   *
   * @throws {ContainersStorageError} as {@link open}
   */
  async *openPieces({ digest }: Descriptor, { signal }: OpenOptions = {}): AsyncGenerator<LayerPiece, void> {
    signal?.throwIfAborted();
    const { store, record } = await this.#layer(digest, signal);
    const release = await store.holdLayers({ signal, onWarning: this.#options.onWarning });
    try {
      yield* layerPieces(store, record, signal);
    } finally {
      release();
    }
  }

  /** Close the stores. A second call does nothing; any other method but `describe` then throws a TypeError. */
  // oxlint-disable-next-line typescript/require-await -- of the interface
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const store of this.#options.stores) store.close();
  }

  async #layer(digest: string, signal: AbortSignal | undefined): Promise<NamedLayer> {
    const layer = (await this.#read(signal)).layers.get(digest);
    if (layer === undefined) throw new ContainersStorageError('BLOB_NOT_FOUND', this.describe(), `no layer ${digest}`);
    return layer;
  }

  async #read(signal: AbortSignal | undefined): Promise<StoredImage> {
    if (this.#isClosed) throw new TypeError(`${this.describe()} is closed`);
    this.#image ??= await this.#find(signal);
    return this.#image;
  }

  async #find(signal: AbortSignal | undefined): Promise<StoredImage> {
    const { stores, wanted, onWarning } = this.#options;
    const unread = new Skipped();
    for (const store of stores) {
      const list = await unread.unless(store.images({ signal, onWarning }));
      const image = list && findImage(list.records, wanted);
      if (image !== undefined) {
        const others = stores.filter((other) => other !== store);
        return readImage({ store, image, stores: [store, ...others], digest: wanted.digest }, { signal, onWarning });
      }
      if (list?.damage !== undefined) unread.add(list.damage);
    }
    throw unread.reason ?? this.#notFound();
  }

  #notFound(): ContainersStorageError {
    const { stores, reference, skipped } = this.#options;
    const places = stores.map(({ path }) => path).join(', ');
    const also = skipped === undefined ? '' : `; not looked at: ${skipped.message}`;
    return new ContainersStorageError('IMAGE_NOT_FOUND', reference, `Failed to find the image in any storage (${places}${also})`, {
      ...(skipped && { cause: skipped }),
    });
  }

  #checkPlatform({ platform: found }: StoredImage, { platform: wanted, onWarning }: ResolveOptions): void {
    if (found === undefined || matchesPlatform(wanted ?? nativePlatform(process), found)) return;
    if (wanted !== undefined) {
      throw new OciSpecError('NO_MATCH', `No manifest found for platform ${formatPlatform(wanted)}; available: ${formatPlatform(found)}`);
    }
    onWarning?.(`${this.describe()} is an image for ${formatPlatform(found)}`);
  }
}
