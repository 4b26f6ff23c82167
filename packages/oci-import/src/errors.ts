/** What went wrong, as a closed list. The README tells them apart in one line each. */
export type OciImportErrorCode =
  | 'RESOLVE_FAILED'
  | 'MANIFEST_FAILED'
  | 'CONFIG_FAILED'
  | 'LAYER_FAILED'
  | 'LAYER_COUNT'
  | 'UNSUPPORTED_LAYER'
  | 'INVALID_DIFF_ID'
  | 'DIFF_ID_MISMATCH'
  | 'MISSING_LAYER_REF'
  | 'IMAGE_FAILED'
  | 'UNEXPECTED_IMAGE'
  | 'NOT_A_CONTAINER'
  | 'NO_IMAGE'
  | 'NOT_SEALED'
  | 'UNSEALABLE'
  | 'UNEXPECTED_MANIFEST'
  | 'NAME_EXISTS'
  | 'NOT_FOUND'
  | 'AMBIGUOUS'
  | 'INTEGRITY'
  | 'CORRUPT_STREAM'
  | 'NOT_A_BLOB';

/** One layer as messages and machines name it. `index` counts from 0, in manifest order. */
export interface LayerContext {
  readonly index: number;
  readonly count: number;
  readonly digest: string;
  readonly diffId: string;
  readonly mediaType: string;
}

/** The place of a failure: each field is there when this package knew it. */
export interface OciImportErrorContext {
  /** where the bytes came from, as the source describes itself */
  readonly source?: string;
  /** digest of the manifest being imported or read */
  readonly manifest?: string;
  readonly config?: string;
  readonly layer?: LayerContext;
  /** digest of the blob that is to blame */
  readonly blob?: string;
  /** the value that was asked for, where two values were compared */
  readonly expected?: string;
  /** the value that was found */
  readonly actual?: string;
  /** what the asked-for name may have meant: near names, or every match of an ambiguous prefix */
  readonly candidates?: readonly string[];
}

/**
 * An import or a query failed. `context` holds the image, layer and blob involved;
 * `cause` is the error of the package that noticed (a wrong digest, a corrupt gzip member, a full disk).
 */
export class OciImportError extends Error {
  static {
    this.prototype.name = 'OciImportError';
  }
  readonly code: OciImportErrorCode;
  readonly context: OciImportErrorContext;

  constructor(code: OciImportErrorCode, message: string, context: OciImportErrorContext = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.context = context;
  }
}
