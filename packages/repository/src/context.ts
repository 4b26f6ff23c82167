import type { Algorithm, ObjectId } from '@cfskit/fs-verity';
import type { LocalObjectStore } from './local-object-store.ts';
import type { VerityCalls } from './verity-calls.ts';

/**
 * Reads an EROFS image: the ids of all objects that it refers to.
 *
 * It throws if the bytes are not a valid image.
 */
export type ImageReader = (image: Uint8Array, algorithm: Algorithm) => Iterable<ObjectId>;

/** What the operations of an open repository work with. */
export interface RepositoryContext {
  /** The root directory, absolute. */
  readonly path: string;
  readonly algorithm: Algorithm;
  readonly secure: boolean;
  /** Opened without a `meta.json`, as what the objects tell. */
  readonly inferred: boolean;
  readonly objects: LocalObjectStore;
  readonly verity: VerityCalls;
  readonly imageReader: ImageReader | undefined;
}

/** Images are read as a whole; larger ones are refused. */
export const MAX_IMAGE_SIZE: number = 2 ** 31;
