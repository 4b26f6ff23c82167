import { ALGORITHMS, type Algorithm, type ObjectId } from '@cfskit/fs-verity';
import type { ByteString } from '@cfskit/fs-tree';

/** What overlayfs keeps in extended attributes, and how composefs hides a tree's own attributes of that kind. */
const PREFIX = 'trusted.overlay.';
const ESCAPED_PREFIX = 'trusted.overlay.overlay.';

/** Of an external file: the digest to expect. */
export const METACOPY = 'trusted.overlay.metacopy';
/** Of an external file: where its object is, from the root of the data layer. */
export const REDIRECT = 'trusted.overlay.redirect';
/** Attributes that the format itself adds. */
export type Marks = readonly (readonly [name: ByteString, value: ByteString])[];

/** What formats 0 and 1 set on the root. */
export const ROOT_MARKS: Marks = [['trusted.overlay.opaque', 'y']];

/** Of a regular file that stands for a whiteout of the tree. */
export const ESCAPED_WHITEOUT = 'trusted.overlay.overlay.whiteout';

/** Names and values that formats 0 and 1 set on the file that stands for a whiteout of the tree. */
export const WHITEOUT_MARKS: Marks = [
  [ESCAPED_WHITEOUT, ''],
  ['user.overlay.whiteout', ''],
];

/** The same on its directory. */
export const WHITEOUTS_MARKS: Marks = [
  ['trusted.overlay.overlay.whiteouts', ''],
  ['user.overlay.whiteouts', ''],
];

/** More on its directory, in format 1. */
export const OPAQUE_MARKS: Marks = [
  ['trusted.overlay.overlay.opaque', 'x'],
  ['user.overlay.opaque', 'x'],
];

/** The name that hides an attribute of the tree from the overlayfs that mounts the image. */
export function escapeXattrName(name: ByteString): ByteString {
  return name.startsWith(PREFIX) ? ESCAPED_PREFIX + name.slice(PREFIX.length) : name;
}

/** The tree's attribute behind a name in an image; nothing for those that overlayfs itself uses. */
export function unescapeXattrName(name: ByteString): ByteString | undefined {
  if (!name.startsWith(PREFIX)) return name;
  return name.startsWith(ESCAPED_PREFIX) ? PREFIX + name.slice(ESCAPED_PREFIX.length) : undefined;
}

/** Bytes of a metacopy attribute before the digest: version 0, length of it all, no flags, the algorithm. */
export const METACOPY_HEADER = 4;

/** Bytes of a metacopy attribute with a digest of so many bytes. */
export function metacopySize(digestLength: number): number {
  return METACOPY_HEADER + digestLength;
}

/** The payload that a redirect stands for: the path without the slash in front. */
export function payloadOfRedirect(redirect: ByteString): ByteString {
  return redirect.startsWith('/') ? redirect.slice(1) : redirect;
}

/** The object that a path leads to, if it ends like the path of an object; of either algorithm, unless one is given. */
export function objectOfPath(path: ByteString, algorithm?: Algorithm): ObjectId | undefined {
  for (const candidate of algorithm === undefined ? ALGORITHMS : [algorithm]) {
    const match = OBJECT_PATH[candidate].exec(path);
    if (match !== null) return match[1]! + match[2]!;
  }
  return undefined;
}

const OBJECT_PATH: Readonly<Record<Algorithm, RegExp>> = {
  sha256: /([0-9a-f]{2})\/([0-9a-f]{62})$/,
  sha512: /([0-9a-f]{2})\/([0-9a-f]{126})$/,
};
