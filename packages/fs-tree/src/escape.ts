/**
 * A byte string as text with one character per byte, U+0000 to U+00FF: names, paths, link targets and extended attributes. It is never
 * decoded text: make one with `toLatin1`, and get the bytes back with `fromLatin1`, both of `@cfskit/binary`. Comparing two with `<`
 * compares their bytes.
 */
export type ByteString = string;

const SPECIAL = /[^\x21-\x5b\x5d-\x7e]/;
const ALL_SPECIAL = /[^\x21-\x5b\x5d-\x7e]/g;
const XATTR_SPECIAL = /[^\x21-\x3c\x3e-\x5b\x5d-\x7e]/;
const ALL_XATTR_SPECIAL = /[^\x21-\x3c\x3e-\x5b\x5d-\x7e]/g;
const NAMED = new Map([
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** The text of a byte string in a dump line: printable ASCII without spaces. */
export function escapeBytes(bytes: ByteString): string {
  return SPECIAL.test(bytes) ? bytes.replace(ALL_SPECIAL, escapeByte) : bytes;
}

/** The same for the name or the value of an extended attribute, where `=` separates the two. */
export function escapeXattr(bytes: ByteString): string {
  return XATTR_SPECIAL.test(bytes) ? bytes.replace(ALL_XATTR_SPECIAL, escapeByte) : bytes;
}

/** A field that may be absent: `-` stands for that and for an empty one, so a single dash is escaped. */
export function escapeField(bytes: ByteString | undefined): string {
  if (bytes === undefined || bytes === '') return '-';
  return bytes === '-' ? '\\x2d' : escapeBytes(bytes);
}

/** The byte string behind an escaped text; nothing if there is a backslash that starts no escape. */
export function unescapeBytes(text: string): ByteString | undefined {
  if (!text.includes('\\')) return text;
  let invalid = false;
  const bytes = text.replace(/\\(?:x([0-9A-Fa-f]{2})|([\\nrt])|)/g, (_, hex: string | undefined, named: string | undefined) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (named === undefined) invalid = true;
    return named === undefined ? '' : UNNAMED[named]!;
  });
  return invalid ? undefined : bytes;
}

const UNNAMED: Readonly<Record<string, string>> = { '\\': '\\', n: '\n', r: '\r', t: '\t' };

function escapeByte(byte: string): string {
  return NAMED.get(byte) ?? `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
