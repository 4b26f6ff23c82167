import type { Descriptor, ImageSource, OpenOptions } from '@cfskit/oci-spec';
import type { ImageRoot, RootOptions } from '@cfskit/ocidir';

/** A place that may have a blob. */
export interface BlobPlace {
  /** `seed`: a file that was given to be asked first. */
  readonly origin: 'seed' | 'source';
  readonly source: Pick<RootedImageSource, 'describe' | 'open' | 'openFrom'>;
}

/** An {@link ImageSource} with what copying and resuming need besides. */
export interface RootedImageSource extends ImageSource {
  /** What a tag names before any choice by platform: a manifest or an index, its bytes checked. */
  resolveRoot(options?: RootOptions): Promise<ImageRoot>;
  /**
   * The bytes of a blob from `start` on, unverified. Each piece is good only until the next one is asked for. Absent where reading again
   * from the beginning costs nothing.
   */
  openFrom?(descriptor: Descriptor, start: number, options?: OpenOptions): AsyncIterable<Uint8Array>;
  /** Where blobs may be, best first. Absent where there is one place only. */
  places?(): readonly BlobPlace[];
}

/** Where the blobs of a source may be, best first. */
export function placesOf(source: RootedImageSource): readonly BlobPlace[] {
  return source.places?.() ?? [{ origin: 'source', source }];
}

/** The options with the signal alone. */
export function signalOf(signal: AbortSignal | undefined): OpenOptions {
  return signal === undefined ? {} : { signal };
}
