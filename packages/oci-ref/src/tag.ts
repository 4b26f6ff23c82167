import { OciRefError } from './errors.ts';
import { isKnownDigest } from './known-digest.ts';

const LONGEST_FILE_NAME = 255;

/** The file name that stands for a tag below `streams/refs/oci/`: `%` becomes `%25`, then `/` becomes `%2F`. Colons stay. */
export function encodeTag(name: string): string {
  return name.replaceAll('%', '%25').replaceAll('/', '%2F');
}

/**
 * The tag that a file name stands for. One pass from the left: `%2F` and `%25` are decoded, and any other `%` stays with the two
 * characters behind it. Lower-case `%2f` is not decoded.
 */
export function decodeTag(encoded: string): string {
  return encoded.replaceAll(/%.{0,2}/gsu, (escape) => (escape === '%2F' ? '/' : escape === '%25' ? '%' : escape));
}

/**
 * Refuse what cannot be a tag. Apart from this, tags are free text.
 *
 * @throws {OciRefError} RESERVED_TAG for a leading `@` and for digests, INVALID_TAG for `.`, `..`, the empty text, NUL, lone surrogates
 *   and names whose file name would be longer than 255 bytes
 */
export function checkTagName(name: string): void {
  if (name.startsWith('@')) throw reserved(name, `leading '@' is reserved for digest references`);
  if (isKnownDigest(name)) throw reserved(name, 'a digest cannot be a name');
  const reason = invalidity(name);
  if (reason !== undefined) throw new OciRefError('INVALID_TAG', name, `Invalid ref name ${JSON.stringify(name)}: ${reason}`);
}

function reserved(name: string, reason: string): OciRefError {
  return new OciRefError('RESERVED_TAG', name, `Invalid ref name ${JSON.stringify(name)}: ${reason}`);
}

function invalidity(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name === '.' || name === '..') return 'it is no file name';
  if (name.includes('\0')) return 'it holds a NUL';
  if (!name.isWellFormed()) return 'it is not Unicode text';
  const { length } = new TextEncoder().encode(encodeTag(name));
  return length > LONGEST_FILE_NAME ? `wanted at most ${LONGEST_FILE_NAME} bytes, found ${length}` : undefined;
}
