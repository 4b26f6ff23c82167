/**
 * What is wrong with a digest, a JSON document or an image.
 *
 * - `INVALID_DIGEST`, `UNKNOWN_ALGORITHM`, `INVALID_PLATFORM`: a text that is none, or one that names a hash we do not know
 * - `TOO_LARGE`, `TOO_DEEP`, `INVALID_UTF8`, `INVALID_JSON`, `DUPLICATE_KEY`: a document that is not read at all
 * - `AMBIGUOUS_DOCUMENT`: a manifest that could be read as an index, or the other way round
 * - `INVALID_FIELD`: a member that is missing or of the wrong kind
 * - `EMPTY_INDEX`, `TAG_NOT_FOUND`, `NO_MATCH`, `NESTED_INDEX`, `UNEXPECTED_MEDIA_TYPE`: no manifest could be chosen
 * - `LAYER_COUNT`: manifest and config disagree on the number of layers
 */
export type OciSpecErrorCode =
  | 'INVALID_DIGEST'
  | 'UNKNOWN_ALGORITHM'
  | 'INVALID_PLATFORM'
  | 'TOO_LARGE'
  | 'TOO_DEEP'
  | 'INVALID_UTF8'
  | 'INVALID_JSON'
  | 'DUPLICATE_KEY'
  | 'INVALID_FIELD'
  | 'AMBIGUOUS_DOCUMENT'
  | 'EMPTY_INDEX'
  | 'TAG_NOT_FOUND'
  | 'NO_MATCH'
  | 'NESTED_INDEX'
  | 'UNEXPECTED_MEDIA_TYPE'
  | 'LAYER_COUNT';

/** Where an {@link OciSpecError} happened, as far as it is known. */
export interface OciSpecErrorPlace extends ErrorOptions {
  /** Member of the document, such as `layers[2].digest`. */
  readonly path?: string;
  /** Position in the document's text, in UTF-16 units. */
  readonly offset?: number;
  /** Digest of the blob concerned. */
  readonly digest?: string;
}

/** A text, document or image that does not follow the OCI image specification. */
export class OciSpecError extends Error {
  static {
    this.prototype.name = 'OciSpecError';
  }
  readonly code: OciSpecErrorCode;
  readonly path: string | undefined;
  readonly offset: number | undefined;
  readonly digest: string | undefined;

  constructor(code: OciSpecErrorCode, message: string, place: OciSpecErrorPlace = {}) {
    super(message, 'cause' in place ? { cause: place.cause } : undefined);
    this.code = code;
    this.path = place.path;
    this.offset = place.offset;
    this.digest = place.digest;
  }
}

const LONGEST_QUOTE = 100;

/** A value from outside as it may stand in a message: one line, and not a page long. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= LONGEST_QUOTE ? text : `${text.slice(0, LONGEST_QUOTE)}…`;
}
