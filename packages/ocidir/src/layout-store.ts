import type { Descriptor } from '@cfskit/oci-spec';

/** Reads a small file of a layout by its path inside; undefined if there is none. */
export type ReadLayoutFile = (path: string, limit: number) => Promise<Uint8Array | undefined>;

/** Where the files of a layout are: in a directory, or in a tar. */
export interface LayoutStore {
  readonly readFile: ReadLayoutFile;
  /** The bytes of a blob as they are stored: not hashed, but exactly as many as the descriptor says. */
  blobChunks(descriptor: Descriptor, signal: AbortSignal | undefined): AsyncIterable<Uint8Array>;
  /** Release what is open. A second call does nothing. */
  close?(): Promise<void>;
}
