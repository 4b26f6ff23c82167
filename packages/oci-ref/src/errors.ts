/**
 * What is wrong with a name.
 *
 * - `MISSING_COLON`, `UNKNOWN_TRANSPORT`, `MISSING_SLASHES`, `EMPTY_NAME`: a reference that is not `transport:name`
 * - `INVALID_NAME`, `INVALID_HOST`, `INVALID_PORT`, `INVALID_TAG`, `INVALID_DIGEST`: a part that breaks its grammar
 * - `RESERVED_TAG`: a tag that would be taken for a digest
 */
export type OciRefErrorCode =
  | 'MISSING_COLON'
  | 'UNKNOWN_TRANSPORT'
  | 'MISSING_SLASHES'
  | 'EMPTY_NAME'
  | 'INVALID_NAME'
  | 'INVALID_HOST'
  | 'INVALID_PORT'
  | 'INVALID_TAG'
  | 'INVALID_DIGEST'
  | 'RESERVED_TAG';

/** A text that is no reference, name or tag. `input` is the text as it was given. */
export class OciRefError extends Error {
  static {
    this.prototype.name = 'OciRefError';
  }
  readonly code: OciRefErrorCode;
  readonly input: string;

  constructor(code: OciRefErrorCode, input: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.input = input;
  }
}
