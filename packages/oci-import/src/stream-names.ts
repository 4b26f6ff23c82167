import { parseContentId } from '@cfskit/oci-ref';
import type { ContentKind } from '@cfskit/oci-ref';
import type { Repository } from '@cfskit/repository';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Content ids of all stored streams of one kind, sorted. Whether their objects are there is not looked at. */
export function streamNames(repository: Repository, kind: ContentKind): readonly string[] {
  return readNames(join(repository.path, 'streams'))
    .filter((name) => parseContentId(name)?.kind === kind)
    .toSorted();
}

/** Digests of all stored streams of one kind, sorted. */
export function streamDigests(repository: Repository, kind: ContentKind): readonly string[] {
  return streamNames(repository, kind).map((name) => parseContentId(name)!.digest);
}

/** A repository in which nothing was stored yet has no such directory. */
function readNames(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
