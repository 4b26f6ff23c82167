import { parseDigest } from './digest.ts';
import { OciSpecError } from './errors.ts';
import { optional, parseDocument, read, required, type Parsed, type Reader } from './json-field.ts';
import { readPlatform, type Platform } from './platform.ts';

/** Names one blob: what it is, its content and its size in bytes. `data` and `urls` are kept but never followed. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
  readonly urls?: readonly string[];
  readonly data?: string;
}

/** The annotation that carries a tag in the index of a layout. */
export const REF_NAME_ANNOTATION = 'org.opencontainers.image.ref.name';

/**
 * Parse one descriptor. `mediaType`, `digest` and `size` must be there; sizes of 2^53 and above are refused.
 *
 * @throws {OciSpecError} INVALID_FIELD, INVALID_DIGEST, and the codes of JSON that is not read
 */
export function parseDescriptor(raw: Uint8Array): Parsed<Descriptor> {
  return parseDocument(raw, readDescriptor);
}

/** A descriptor within another document. */
export const readDescriptor: Reader<Descriptor> = (value, path) => {
  const object = read.object(value, path);
  return {
    mediaType: required(object, 'mediaType', path, read.string),
    digest: required(object, 'digest', path, readDigest),
    size: required(object, 'size', path, readSize),
    ...optional(object, 'platform', path, readPlatform),
    ...optional(object, 'annotations', path, read.stringMap),
    ...optional(object, 'artifactType', path, read.string),
    ...optional(object, 'urls', path, read.array(read.string)),
    ...optional(object, 'data', path, read.string),
  };
};

const readSize: Reader<number> = read.integer(Number.MAX_SAFE_INTEGER);

const readDigest: Reader<string> = (value, path) => {
  const text = read.string(value, path);
  try {
    parseDigest(text);
  } catch (cause) {
    if (cause instanceof OciSpecError) throw new OciSpecError('INVALID_DIGEST', `${path}: ${cause.message}`, { path, cause });
    throw cause;
  }
  return text;
};
