import type { ImageReference } from '@cfskit/oci-ref';
import {
  digestOf,
  nativePlatform,
  parseImageConfig,
  parseManifest,
  readBlob,
  type Descriptor,
  type ImageSource,
  type Index,
  type OpenOptions,
  type Platform,
  type ResolvedManifest,
  type ResolveOptions,
} from '@cfskit/oci-spec';
import { aboutBlob, ImageProxyError } from './errors.ts';
import { asIndex, documentChunks, noMatch, readDocuments } from './image-documents.ts';
import type { ImageReader, OriginalManifest } from './image-reader.ts';
import { Retries, withRetries, type RetryContext, type RetryPolicy } from './retry.ts';
import type { Skopeo } from './skopeo.ts';
import { withTag } from './skopeo-reference.ts';
import { storedLayers } from './stored-layers.ts';

/** What images through skopeo have in common, whatever the way. */
export interface ImageSettings {
  readonly stallMs: number;
  readonly retry: RetryPolicy;
  readonly onWarning: (text: string) => void;
  readonly readIndex: boolean;
}

/** One image, or several tags of one place, as an {@link ImageSource} through skopeo. Made by `openImageProxy`. */
export class SkopeoImage implements ImageSource {
  readonly #skopeo: Skopeo;
  readonly #reader: ImageReader;
  readonly #settings: ImageSettings;
  /** What `resolve` has read and loading the image asks for again. */
  #documents: ReadonlyMap<string, Uint8Array> = new Map();
  #closed: Promise<void> | undefined;

  constructor(skopeo: Skopeo, reader: ImageReader, settings: ImageSettings) {
    this.#skopeo = skopeo;
    this.#reader = reader;
    this.#settings = settings;
  }

  /** `containers-storage:localhost/app:1`. */
  describe(): string {
    return this.#skopeo.describe();
  }

  /**
   * Let skopeo choose an image by tag and platform, and read its manifest: always the original bytes, with their own digest.
   * `indexDigest` is only there if `readIndex` was asked for.
   *
   * @throws {ImageProxyError} {OciSpecError} NO_MATCH, UNEXPECTED_MEDIA_TYPE, … {VerifyError}; the signal's reason
   */
  async resolve(options: ResolveOptions = {}): Promise<ResolvedManifest> {
    options.signal?.throwIfAborted();
    const reference = withTag(this.#skopeo.reference, options.tag);
    return withRetries(this.#retryContext(options.signal), () => this.#resolve(reference, options));
  }

  /**
   * The bytes of a blob, unverified, but as many as the descriptor says. A transfer that breaks off is begun again, and goes on where the consumer is.
   *
   * @throws {ImageProxyError} at the first chunk or later; the signal's reason
   */
  open(descriptor: Descriptor, { signal }: OpenOptions = {}): AsyncIterable<Uint8Array> {
    const document = this.#documents.get(descriptor.digest);
    return document?.byteLength === descriptor.size ? documentChunks(document, signal) : this.#blob(descriptor, signal);
  }

  /**
   * The layers of a resolved image in the form in which they are to be had here, in the order of the manifest: what `open` takes in their place. They are
   * others than the manifest's where the source keeps layers uncompressed; their digests then are their diff_ids.
   *
   * With `containers-storage:` and a skopeo older than 1.11 the image is copied into a temporary directory first.
   *
   * @throws {ImageProxyError} LAYER_COUNT, and as `open`; the signal's reason
   */
  async storedLayers({ raw }: ResolvedManifest, { signal }: OpenOptions = {}): Promise<readonly Descriptor[]> {
    const { config, layers } = parseManifest(raw);
    const configRaw = await readBlob(this, config, signal === undefined ? {} : { signal });
    if (this.#skopeo.reference.transport !== 'containers-storage') return storedLayers(raw, configRaw);
    const ids = parseImageConfig(configRaw).rootfs.diff_ids;
    const named = layers.map((descriptor, index) => ({ descriptor, diffId: ids[index] ?? descriptor.digest }));
    const listed = await withRetries(this.#retryContext(signal), () => this.#reader.listLayers(named, signal));
    return storedLayers(raw, configRaw, listed);
  }

  /** End skopeo, and remove its temporary files. What is being read fails. */
  close(): Promise<void> {
    this.#closed ??= this.#reader.close();
    return this.#closed;
  }

  async #resolve(reference: ImageReference, options: ResolveOptions): Promise<ResolvedManifest> {
    const { platform = nativePlatform(process), signal } = options;
    const { raw, digest } = await this.#manifest(reference, platform, signal);
    const source = { describe: () => this.describe(), open: (descriptor: Descriptor) => this.#blob(descriptor, signal) };
    const { resolved, documents } = await readDocuments(source, raw, digest, options);
    this.#documents = documents;
    const indexDigest = this.#settings.readIndex ? await this.#indexDigest(reference, digest, signal) : undefined;
    return indexDigest === undefined ? resolved : { ...resolved, indexDigest };
  }

  async #manifest(reference: ImageReference, platform: Platform, signal: AbortSignal | undefined): Promise<OriginalManifest> {
    try {
      return await this.#reader.readManifest(reference, { platform, signal });
    } catch (error) {
      signal?.throwIfAborted();
      if (!isRefusal(error)) throw error;
      const index = await this.#index(reference, signal);
      throw (index && noMatch(index.index, platform)) ?? error;
    }
  }

  /** The digest of the index that has the image, if the reference leads to one. */
  async #indexDigest(reference: ImageReference, digest: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    const found = await this.#index(reference, signal);
    return found?.index.manifests.some((entry) => entry.digest === digest) === true ? digestOf(found.raw) : undefined;
  }

  async #index(
    reference: ImageReference,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly index: Index; readonly raw: Uint8Array } | undefined> {
    if (!INDEXED.has(reference.transport)) return undefined;
    try {
      const raw = await this.#skopeo.inspectRaw(reference, { signal, stallMs: this.#settings.stallMs });
      const index = asIndex(raw);
      return index && { index, raw };
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ImageProxyError) return undefined; // what it was asked for explains more
      throw error;
    }
  }

  async *#blob(descriptor: Descriptor, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void> {
    const retries = new Retries(this.#retryContext(signal));
    let delivered = 0;
    for (;;) {
      try {
        for await (const chunk of this.#restOfBlob(descriptor, delivered, signal)) {
          delivered += chunk.byteLength;
          yield chunk;
        }
        return;
      } catch (error) {
        await retries.after(aboutBlob(error, descriptor.digest, this.describe()));
      }
    }
  }

  /** Every attempt begins with byte 0: the proxy has no ranges. */
  async *#restOfBlob(descriptor: Descriptor, start: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void> {
    let at = 0;
    for await (const chunk of this.#reader.openBlob(descriptor, signal)) {
      const rest = chunk.subarray(Math.min(Math.max(start - at, 0), chunk.byteLength));
      at += chunk.byteLength;
      if (rest.byteLength > 0) yield rest;
    }
  }

  #retryContext(signal: AbortSignal | undefined): RetryContext {
    const { retry, onWarning } = this.#settings;
    return { policy: retry, onWarning, signal };
  }
}

/** Transports whose references can lead to an index. */
const INDEXED: ReadonlySet<string> = new Set(['registry', 'oci', 'oci-archive', 'dir']);

/** What skopeo answers when there is no image for the platform, among other things; it has no code for it. */
function isRefusal(error: unknown): boolean {
  return error instanceof ImageProxyError && (error.code === 'REFUSED' || error.code === 'SKOPEO_FAILED') && !error.retryable;
}
