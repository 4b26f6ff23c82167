/**
 * What cannot be done with an image.
 *
 * - `UNSUPPORTED_TRANSPORT`, `UNSUPPORTED_DESTINATION`: images of this kind are not read, or not written, by this package
 * - `OFFLINE`: something is not in the seeds, and the network may not be asked
 * - `UNSUPPORTED_LAYER`: a layer that is no tar, or is encrypted, was to be unpacked
 * - `FOREIGN_LAYER`: a layer that is kept elsewhere could not be fetched from there
 * - `INVALID_SEED`: a file or directory that was given as seed is none
 * - `TOO_LARGE`: an index leads to more, or deeper, than is copied
 */
export type ImageSourceErrorCode =
  | 'UNSUPPORTED_TRANSPORT'
  | 'UNSUPPORTED_DESTINATION'
  | 'OFFLINE'
  | 'UNSUPPORTED_LAYER'
  | 'FOREIGN_LAYER'
  | 'INVALID_SEED'
  | 'TOO_LARGE';

/** What an {@link ImageSourceError} is about. */
export interface ImageSourceErrorPlace extends ErrorOptions {
  readonly digest?: string;
}

/** Something cannot be done with an image. `reference` says which image, seed or destination, without credentials. */
export class ImageSourceError extends Error {
  static {
    this.prototype.name = 'ImageSourceError';
  }
  readonly code: ImageSourceErrorCode;
  readonly reference: string;
  /** The blob concerned, if it is about one. */
  readonly digest: string | undefined;

  constructor(code: ImageSourceErrorCode, reference: string, message: string, place: ImageSourceErrorPlace = {}) {
    super(message, 'cause' in place ? { cause: place.cause } : undefined);
    this.code = code;
    this.reference = reference;
    this.digest = place.digest;
  }
}

/** Codes of all readers for a blob or manifest that is not there. */
const MISSING: ReadonlySet<unknown> = new Set([
  'BLOB_NOT_FOUND',
  'FOREIGN_LAYER',
  'BLOB_UNKNOWN',
  'TAG_NOT_FOUND',
  'NO_MATCH',
  'EMPTY_INDEX',
]);

/** Whether an error says that something is not there, rather than that something is wrong. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && MISSING.has(error.code);
}
