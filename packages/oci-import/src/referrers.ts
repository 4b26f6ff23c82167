import { decodeTag, parseContentId, referrerRefPath } from '@cfskit/oci-ref';
import { parseDigest } from '@cfskit/oci-spec';
import type { Repository } from '@cfskit/repository';
import { OciImportError } from './errors.ts';
import { manifestStreamName } from './image-streams.ts';

const PREFIX = 'oci-referrers';

/**
 * Records that an artifact belongs to a subject: the artifact is then kept even without a tag.
 * Importing an artifact whose manifest names a stored subject does this by itself.
 *
 * @throws {OciImportError} NOT_FOUND, if the artifact is not stored. {OciSpecError} INVALID_DIGEST. {RepositoryError} READ_ONLY
 */
export async function addReferrer(repository: Repository, subjectDigest: string, artifactDigest: string): Promise<void> {
  parseDigest(subjectDigest);
  parseDigest(artifactDigest);
  const { contentId } = manifestStreamName(artifactDigest);
  if (repository.hasStream(contentId) === undefined) {
    throw new OciImportError('NOT_FOUND', `Manifest ${artifactDigest} not found`, { manifest: artifactDigest });
  }
  await repository.nameStream(contentId, referrerRefPath(subjectDigest, artifactDigest));
}

/**
 * The artifacts recorded for a subject, sorted. Entries that lead to another manifest, or to one that is gone, are left out.
 *
 * @throws {OciSpecError} INVALID_DIGEST for an entry whose name is no digest
 */
export function listReferrers(repository: Repository, subjectDigest: string): readonly string[] {
  const artifacts: string[] = [];
  for (const { name, target } of repository.listRefs(subjectPath(subjectDigest))) {
    const digest = decodeTag(name);
    parseDigest(digest);
    const { contentId } = manifestStreamName(digest);
    if (lastComponent(target) === contentId && repository.hasStream(contentId) !== undefined) artifacts.push(digest);
  }
  return artifacts.toSorted();
}

/** Forgets that an artifact belongs to a subject. @returns whether it was recorded. @throws {RepositoryError} READ_ONLY */
export function removeReferrer(repository: Repository, subjectDigest: string, artifactDigest: string): Promise<boolean> {
  parseDigest(subjectDigest);
  parseDigest(artifactDigest);
  return repository.removeRef(referrerRefPath(subjectDigest, artifactDigest));
}

/** Forgets all artifacts of a subject. @returns how many entries there were. @throws {RepositoryError} READ_ONLY */
export async function removeReferrers(repository: Repository, subjectDigest: string): Promise<number> {
  const entries = repository.listRefs(subjectPath(subjectDigest));
  for (const { name } of entries) await repository.removeRef(`${subjectPath(subjectDigest)}/${name}`);
  return entries.length;
}

/**
 * Removes the entries of subjects that have no manifest here any more, so that the next collection takes their artifacts.
 *
 * @returns how many entries were removed
 * @throws {RepositoryError} READ_ONLY
 */
export async function cleanupReferrers(repository: Repository): Promise<number> {
  repository.ensureWritable();
  let removed = 0;
  for (const { name } of repository.listRefs(PREFIX)) {
    const subject = decodeTag(name.split('/', 1)[0]!);
    if (hasManifest(repository, subject)) continue;
    await repository.removeRef(`${PREFIX}/${name}`);
    removed++;
  }
  return removed;
}

/** Whether the manifest with this digest is stored. A text that is no digest names none. */
export function hasManifest(repository: Repository, digest: string): boolean {
  const { contentId } = manifestStreamName(digest);
  return parseContentId(contentId) !== undefined && repository.hasStream(contentId) !== undefined;
}

function subjectPath(digest: string): string {
  parseDigest(digest);
  return `${PREFIX}/${digest}`;
}

function lastComponent(target: string): string {
  return target.slice(target.lastIndexOf('/') + 1);
}
