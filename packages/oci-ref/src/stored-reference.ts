import { OciRefError } from './errors.ts';
import { isKnownDigest } from './known-digest.ts';

/** The beginning of a digest. Which algorithm is meant may be left open. */
export interface DigestPrefix {
  readonly algorithm?: string;
  /** At least 12 lower-case hex digits. */
  readonly hex: string;
}

/**
 * An image in a repository, as it was typed: a manifest or config by its digest, by the beginning of one, or a tag. A tag that could
 * also be the beginning of a digest has `prefix`: the tag comes first.
 */
export type StoredReference =
  | { readonly kind: 'digest'; readonly digest: string }
  | { readonly kind: 'prefix'; readonly prefix: DigestPrefix }
  | { readonly kind: 'tag'; readonly tag: string; readonly prefix?: DigestPrefix };

const PREFIX = /^(?:(sha256|sha384|sha512):)?([0-9a-f]{12,128})$/;
const SHORT_PREFIX = /^@?(?:sha\d+:)?[0-9a-f]{4,11}$/i;
const HEX_DIGITS: ReadonlyMap<string | undefined, number> = new Map([
  ['sha256', 64],
  ['sha384', 96],
]);

/**
 * Understand a stored image's name: a digest with or without `@`; `@` and at least 12 hex digits of one; anything else is a tag. What
 * the digest names, and whether the prefix is unique, only the repository can tell.
 *
 * @throws {OciRefError} INVALID_DIGEST if neither a digest nor the beginning of one follows `@`
 */
export function parseStoredReference(text: string): StoredReference {
  const bare = text.startsWith('@') ? text.slice(1) : text;
  if (isKnownDigest(bare)) return { kind: 'digest', digest: bare };
  const prefix = parsePrefix(bare);
  if (bare === text) return { kind: 'tag', tag: text, ...(prefix !== undefined && { prefix }) };
  if (prefix !== undefined) return { kind: 'prefix', prefix };
  throw new OciRefError(
    'INVALID_DIGEST',
    text,
    `Invalid OCI digest after '@': wanted a digest or at least 12 hex digits of one, found ${text}`,
  );
}

/**
 * Whether a text looks like the beginning of a digest, and is too short to be taken for one: for whoever says that there is nothing of that name.
 *
 * @returns false below four hex digits, which are rather a tag
 */
export function isShortPrefix(text: string): boolean {
  return SHORT_PREFIX.test(text);
}

/** The text that {@link parseStoredReference} understands in the same way: digests with `@`, tags as they are. */
export function formatStoredReference(reference: StoredReference): string {
  switch (reference.kind) {
    case 'digest':
      return `@${reference.digest}`;
    case 'prefix':
      return `@${formatPrefix(reference.prefix)}`;
    default:
      return reference.tag;
  }
}

function parsePrefix(text: string): DigestPrefix | undefined {
  const match = PREFIX.exec(text);
  if (match === null) return undefined;
  const algorithm = match[1];
  const hex = match[2]!;
  if (hex.length > (HEX_DIGITS.get(algorithm) ?? 128)) return undefined;
  return { ...(algorithm !== undefined && { algorithm }), hex };
}

function formatPrefix({ algorithm, hex }: DigestPrefix): string {
  return algorithm === undefined ? hex : `${algorithm}:${hex}`;
}
