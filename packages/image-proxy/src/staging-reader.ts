import { formatImageReference, type ImageReference } from '@cfskit/oci-ref';
import { formatPlatform, mediaTypes, nativePlatform, type Descriptor } from '@cfskit/oci-spec';
import { join } from 'node:path';
import { ignore } from './waiting.ts';
import type { ImageReader, ManifestLayer, OriginalManifest, ReadOptions } from './image-reader.ts';
import type { LayerInfo } from './layer-info.ts';
import type { Skopeo } from './skopeo.ts';
import { stageCopy, stagedBlob, stagedSize, type StagedCopy } from './staged-copy.ts';

/** Lets skopeo copy the whole image before anything is read: the way that uses nothing but documented interfaces, and needs room for all of it. */
export class StagingReader implements ImageReader {
  readonly #skopeo: Skopeo;
  readonly #stallMs: number;
  readonly #copies = new Map<string, Promise<StagedCopy>>();
  #current: Promise<StagedCopy> | undefined;
  #count = 0;

  constructor(skopeo: Skopeo, stallMs: number) {
    this.#skopeo = skopeo;
    this.#stallMs = stallMs;
  }

  async readManifest(reference: ImageReference, options: ReadOptions): Promise<OriginalManifest> {
    const copy = this.#copy(reference, options);
    const { digest, manifestRaw } = await copy;
    this.#current = copy;
    return { digest, raw: manifestRaw };
  }

  async *openBlob(descriptor: Descriptor, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void> {
    yield* stagedBlob(await this.#anyCopy(signal), descriptor, signal);
  }

  /** Layers that were stored under their own digests have kept them. */
  async listLayers(layers: readonly ManifestLayer[], signal: AbortSignal | undefined): Promise<readonly LayerInfo[]> {
    const copy = await this.#anyCopy(signal);
    return Promise.all(
      layers.map(async ({ descriptor, diffId }) => {
        const size = await stagedSize(copy, diffId);
        return size === undefined ? descriptor : { digest: diffId, size, mediaType: mediaTypes.layer };
      }),
    );
  }

  close(): Promise<void> {
    return this.#skopeo.close();
  }

  #anyCopy(signal: AbortSignal | undefined): Promise<StagedCopy> {
    return this.#current ?? this.#copy(this.#skopeo.reference, { platform: nativePlatform(process), signal });
  }

  /** The same image is copied once. Whoever asked first can end the copy; the next one begins anew. */
  #copy(reference: ImageReference, { platform, signal }: ReadOptions): Promise<StagedCopy> {
    const key = `${formatPlatform(platform)} ${formatImageReference(reference)}`;
    const running = this.#copies.get(key);
    if (running !== undefined) return running;
    const path = join(this.#skopeo.directory, `image-${this.#count++}`);
    const copy = stageCopy(this.#skopeo, reference, path, { platform, signal, stallMs: this.#stallMs });
    this.#copies.set(key, copy);
    copy.catch(() => this.#copies.delete(key)).catch(ignore);
    return copy;
  }
}
