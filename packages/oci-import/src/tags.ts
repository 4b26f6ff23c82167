import { compareUtf8 } from '@cfskit/binary';
import { checkTagName, decodeTag, parseContentId, tagRefPath } from '@cfskit/oci-ref';
import type { Repository } from '@cfskit/repository';
import { OciImportError } from './errors.ts';
import { manifestStreamName } from './image-streams.ts';
import { nearNames } from './near-names.ts';
import { hasManifest } from './referrers.ts';

/** A tag and the manifest it stands for, whether or not that manifest is there. */
export interface Tag {
  readonly name: string;
  readonly manifestDigest: string;
}

/** How a tag is set. */
export interface TagOptions {
  /** Refuse to move a tag that exists. `false` unless told: it is moved. */
  readonly noClobber?: boolean;
}

/**
 * Gives a stored manifest a tag, which keeps it from being collected.
 *
 * @throws {OciRefError} INVALID_TAG, RESERVED_TAG. {OciImportError} NOT_FOUND if there is no such manifest; NAME_EXISTS.
 *   {RepositoryError} READ_ONLY
 */
export async function tagImage(repository: Repository, manifestDigest: string, name: string, options: TagOptions = {}): Promise<void> {
  checkTagName(name);
  repository.ensureWritable();
  await repository.transaction(async () => {
    if (!hasManifest(repository, manifestDigest)) {
      throw new OciImportError('NOT_FOUND', `Manifest ${manifestDigest} not found`, { manifest: manifestDigest });
    }
    const current = findTag(repository, name);
    if (options.noClobber === true && current !== undefined) {
      const message = `tag ${name} exists already and stands for ${current.manifestDigest}`;
      throw new OciImportError('NAME_EXISTS', message, { actual: current.manifestDigest });
    }
    await repository.nameStream(manifestStreamName(manifestDigest).contentId, tagRefPath(name));
  });
}

/**
 * Removes a tag. What it stood for stays until the next collection.
 *
 * @throws {OciImportError} NOT_FOUND, with near names. {RepositoryError} READ_ONLY
 */
export async function untagImage(repository: Repository, name: string): Promise<void> {
  repository.ensureWritable();
  if (await repository.removeRef(tagRefPath(name))) return;
  const candidates = nearNames(
    name,
    listTags(repository).map((tag) => tag.name),
  );
  throw new OciImportError('NOT_FOUND', `Failed to remove tag ${name}: there is no such tag`, { candidates });
}

/** All tags, sorted by the bytes of their names. Entries that name no manifest are left out. */
export function listTags(repository: Repository): readonly Tag[] {
  const tags: Tag[] = [];
  for (const { name, target } of repository.listRefs('oci')) {
    const content = parseContentId(target.slice(target.lastIndexOf('/') + 1));
    if (content?.kind === 'manifest') tags.push({ name: decodeTag(name), manifestDigest: content.digest });
  }
  return tags.toSorted((a, b) => compareUtf8(a.name, b.name));
}

/** The tag of exactly this name. */
export function findTag(repository: Repository, name: string): Tag | undefined {
  return listTags(repository).find((tag) => tag.name === name);
}
