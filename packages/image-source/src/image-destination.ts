import type { Descriptor, Platform } from '@cfskit/oci-spec';
import type { ImageRoot } from '@cfskit/ocidir';
import type { Reporter } from '@cfskit/progress';
import type { RootedImageSource } from './rooted-source.ts';

/** How an image is written. */
export interface WriteImageOptions {
  /** Blobs at the same time; 3 if not said. */
  readonly jobs?: number;
  /** Copy layers too that are kept elsewhere, from where the source gets them. */
  readonly foreignLayers?: boolean;
  /** What the image runs on, for the entry of a layout's index. */
  readonly platform?: Platform;
  /** Told of a `plan`, and of each blob under its digest. */
  readonly reporter?: Reporter;
  readonly onWarning?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** What was written. */
export interface WrittenImage {
  /** Of the manifest or index, as it is stored. */
  readonly descriptor: Descriptor;
  /** Configs and layers that were sent. */
  readonly blobsCopied: number;
  /** Those that the registry took from another of its repositories. */
  readonly blobsMounted: number;
  /** Those that were there. */
  readonly blobsPresent: number;
  /** Bytes of the blobs that were copied. */
  readonly bytesCopied: number;
}

/** A place that images can be written to. */
export interface ImageDestination {
  /** For messages, in one line and without credentials. */
  describe(): string;
  /**
   * Take an image, or an index with all of its images, byte for byte. It has its name only when everything it names is there.
   */
  write(source: RootedImageSource, root: ImageRoot, options?: WriteImageOptions): Promise<WrittenImage>;
  /** Release what is open. */
  close(): Promise<void>;
}
