/**
 * Why something was not rendered or compared.
 *
 * - the tar of a layer: `TRUNCATED`, `CHECKSUM_MISMATCH`, `INVALID_HEADER`, `INVALID_PAX`, `INVALID_SPARSE`, `DUPLICATE_METADATA`,
 *   `ORPHANED_METADATA`
 * - bounds that the caller can set: `LIMIT_BYTES`, `LIMIT_ENTRIES`, `LIMIT_DEPTH`, `LIMIT_METADATA`
 * - a layer: `LAYER_FAILED` says which one, its cause why; `UNSUPPORTED_MEDIA_TYPE`, `DECODER_MISSING`, `DECODER_FAILED`,
 *   `DIFF_ID_MISMATCH`, `LAYER_CHANGED` between the two readings
 * - what a whole run was doing, with the reason as its cause: `MERGE_FAILED`
 * - layers that arrive one by one: `LAYER_INDEX`, `LAYER_REPEATED`, `LAYERS_MISSING`, `DOWNLOAD_FAILED`, `PACKER_CLOSED`
 * - mksquashfs and unsquashfs: `PROGRAM_MISSING`, `PROGRAM_TOO_OLD`, `PROGRAM_FAILED`
 * - outputs: `OUTPUT_NOT_A_FILE`, `TARGET_NOT_EMPTY`, `TARGET_BLOCKED`, `OWNER_REFUSED`, `XATTR_REFUSED`, `DEVICE_REFUSED`
 * - directories that hold an image: `NO_IMAGE`, `INVALID_IMAGE`, `AMBIGUOUS_IMAGE`, `BLOB_NOT_FOUND`, `UNSUPPORTED_DIGEST`
 * - an artifact is no image: `NOT_AN_IMAGE`
 */
export type RenderErrorCode =
  | 'TRUNCATED'
  | 'CHECKSUM_MISMATCH'
  | 'INVALID_HEADER'
  | 'INVALID_PAX'
  | 'INVALID_SPARSE'
  | 'DUPLICATE_METADATA'
  | 'ORPHANED_METADATA'
  | 'LIMIT_BYTES'
  | 'LIMIT_ENTRIES'
  | 'LIMIT_DEPTH'
  | 'LIMIT_METADATA'
  | 'LAYER_FAILED'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'DECODER_MISSING'
  | 'DECODER_FAILED'
  | 'DIFF_ID_MISMATCH'
  | 'LAYER_CHANGED'
  | 'MERGE_FAILED'
  | 'LAYER_INDEX'
  | 'LAYER_REPEATED'
  | 'LAYERS_MISSING'
  | 'DOWNLOAD_FAILED'
  | 'PACKER_CLOSED'
  | 'PROGRAM_MISSING'
  | 'PROGRAM_TOO_OLD'
  | 'PROGRAM_FAILED'
  | 'OUTPUT_NOT_A_FILE'
  | 'TARGET_NOT_EMPTY'
  | 'TARGET_BLOCKED'
  | 'OWNER_REFUSED'
  | 'XATTR_REFUSED'
  | 'DEVICE_REFUSED'
  | 'NO_IMAGE'
  | 'INVALID_IMAGE'
  | 'AMBIGUOUS_IMAGE'
  | 'BLOB_NOT_FOUND'
  | 'UNSUPPORTED_DIGEST'
  | 'NOT_AN_IMAGE';

/** Where something went wrong, as far as it is known. */
export interface RenderErrorPlace extends ErrorOptions {
  /** In the uncompressed tar of a layer, in bytes. */
  readonly offset?: number;
  /** A path in the image, one character per byte, or of a file outside. */
  readonly path?: string;
  /** Counted from 0, the oldest. */
  readonly layer?: number;
}

/** An image was not rendered, or a tree not compared. The reason behind it, if there is one, is the `cause`. */
export class RenderError extends Error {
  static {
    this.prototype.name = 'RenderError';
  }
  readonly code: RenderErrorCode;
  readonly offset: number | undefined;
  readonly path: string | undefined;
  readonly layer: number | undefined;

  constructor(code: RenderErrorCode, message: string, place: RenderErrorPlace = {}) {
    const { offset, path, layer, cause } = place;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.offset = offset;
    this.path = path;
    this.layer = layer;
  }
}

/** Whether `error` is a system error with one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}
