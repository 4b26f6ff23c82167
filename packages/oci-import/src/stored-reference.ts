import { formatContentId, isShortPrefix, parseStoredReference } from '@cfskit/oci-ref';
import type { ContentKind, DigestPrefix } from '@cfskit/oci-ref';
import { parseDigest } from '@cfskit/oci-spec';
import type { Repository } from '@cfskit/repository';
import { OciImportError } from './errors.ts';
import { nearNames } from './near-names.ts';
import { streamDigests } from './stream-names.ts';
import { findTag, listTags } from './tags.ts';

/** What a name of a stored image turned out to be. */
export type ResolvedReference =
  | { readonly kind: 'tag'; readonly tag: string; readonly manifestDigest: string }
  | { readonly kind: 'manifest'; readonly manifestDigest: string }
  | { readonly kind: 'config'; readonly configDigest: string };

/** An error lists at most so many matches. */
const CANDIDATES = 10;

/**
 * Finds what a text names in the repository. A digest, with or without `@`, is a manifest, or else a config. Anything
 * else is a tag; if there is none of that name and the text could be the beginning of a digest (12 hex digits or more),
 * it is the manifest or config that alone begins so.
 *
 * @throws {OciRefError} INVALID_DIGEST behind `@`. {OciImportError} NOT_FOUND, with near names; AMBIGUOUS, with the matches
 */
export function resolveStoredReference(repository: Repository, text: string): ResolvedReference {
  const reference = parseStoredReference(text);
  if (reference.kind === 'digest') return byDigest(repository, reference.digest);
  if (reference.kind === 'prefix') return byPrefix(repository, reference.prefix, text) ?? notFound(repository, text);
  const tag = findTag(repository, reference.tag);
  if (tag !== undefined) return { kind: 'tag', tag: tag.name, manifestDigest: tag.manifestDigest };
  const found = reference.prefix && byPrefix(repository, reference.prefix, text);
  return found ?? notFound(repository, text);
}

/**
 * Finds a stored layer by its diff_id (of artifacts: its digest), with or without `@`, or by the beginning of one.
 *
 * @returns the whole digest
 * @throws {OciImportError} NOT_FOUND, AMBIGUOUS. {OciRefError} INVALID_DIGEST
 */
export function resolveLayer(repository: Repository, text: string): string {
  const reference = parseStoredReference(text);
  const digest = reference.kind === 'digest' ? reference.digest : layerByPrefix(repository, reference.prefix, text);
  if (digest !== undefined && repository.hasStream(formatContentId('layer', digest)) !== undefined) return digest;
  throw new OciImportError('NOT_FOUND', `Layer ${text} not found`, digest === undefined ? {} : { blob: digest });
}

function byDigest(repository: Repository, digest: string): ResolvedReference {
  const has = (kind: ContentKind): boolean => repository.hasStream(formatContentId(kind, digest)) !== undefined;
  if (has('manifest')) return { kind: 'manifest', manifestDigest: digest };
  if (has('config')) return { kind: 'config', configDigest: digest };
  throw new OciImportError('NOT_FOUND', `OCI image not found: ${digest}`, { blob: digest });
}

function byPrefix(repository: Repository, prefix: DigestPrefix, text: string): ResolvedReference | undefined {
  const manifest = onlyMatch(streamDigests(repository, 'manifest'), prefix, text);
  if (manifest !== undefined) return { kind: 'manifest', manifestDigest: manifest };
  const config = onlyMatch(streamDigests(repository, 'config'), prefix, text);
  return config === undefined ? undefined : { kind: 'config', configDigest: config };
}

function layerByPrefix(repository: Repository, prefix: DigestPrefix | undefined, text: string): string | undefined {
  return prefix && onlyMatch(streamDigests(repository, 'layer'), prefix, text);
}

function onlyMatch(digests: readonly string[], prefix: DigestPrefix, text: string): string | undefined {
  const matches = digests.filter((digest) => beginsWith(digest, prefix));
  if (matches.length <= 1) return matches[0];
  const candidates = matches.slice(0, CANDIDATES);
  const shown = candidates.join(', ') + (matches.length > CANDIDATES ? ', ...' : '');
  throw new OciImportError('AMBIGUOUS', `${text} is the beginning of ${matches.length} digests: ${shown}`, { candidates });
}

function beginsWith(digest: string, { algorithm, hex }: DigestPrefix): boolean {
  const parsed = parseDigest(digest);
  return parsed.encoded.startsWith(hex) && (algorithm === undefined || algorithm === parsed.algorithm);
}

function notFound(repository: Repository, text: string): never {
  const candidates = nearNames(
    text,
    listTags(repository).map((tag) => tag.name),
  );
  const short = isShortPrefix(text) ? ' (the beginning of a digest needs at least 12 hex digits)' : '';
  const hint = candidates.length === 0 ? '' : `; did you mean ${candidates.join(' or ')}?`;
  throw new OciImportError('NOT_FOUND', `OCI reference not found: ${text}${short}${hint}`, { candidates });
}
