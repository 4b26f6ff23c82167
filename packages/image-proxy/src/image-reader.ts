import type { ImageReference } from '@cfskit/oci-ref';
import type { Descriptor, Platform } from '@cfskit/oci-spec';
import type { LayerInfo } from './layer-info.ts';

/** Which image, and who may end the work. */
export interface ReadOptions {
  readonly platform: Platform;
  readonly signal: AbortSignal | undefined;
}

/** A manifest as it is at its source; its digest has been checked. */
export interface OriginalManifest {
  readonly digest: string;
  readonly raw: Uint8Array;
}

/** A layer as the manifest has it, and the digest of its tar. */
export interface ManifestLayer {
  readonly descriptor: Descriptor;
  readonly diffId: string;
}

/** A way through skopeo. What all ways have in common is in `SkopeoImage`. */
export interface ImageReader {
  /**
   * The manifest of a reference. Blobs are read from that image from then on; before, from the first reference.
   *
   * @throws {ImageProxyError}
   */
  readManifest(reference: ImageReference, options: ReadOptions): Promise<OriginalManifest>;
  /** One attempt at the bytes of a blob, as many as its descriptor says or an error. */
  openBlob(descriptor: Descriptor, signal: AbortSignal | undefined): AsyncIterable<Uint8Array>;
  /** What `containers-storage:` has in place of the layers of the manifest, in their order. */
  listLayers(layers: readonly ManifestLayer[], signal: AbortSignal | undefined): Promise<readonly LayerInfo[]>;
  /** Ends all work. */
  close(): Promise<void>;
}
