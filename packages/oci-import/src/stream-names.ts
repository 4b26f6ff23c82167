import { parseContentId } from '@cfskit/oci-ref';
import type { ContentKind } from '@cfskit/oci-ref';
import type { Repository } from '@cfskit/repository';

/** Content ids of all stored streams of one kind, sorted. */
export function streamNames(repository: Repository, kind: ContentKind): readonly string[] {
  return repository
    .streams()
    .map(({ contentId }) => contentId)
    .filter((contentId) => parseContentId(contentId)?.kind === kind);
}

/** Digests of all stored streams of one kind, sorted. */
export function streamDigests(repository: Repository, kind: ContentKind): readonly string[] {
  return streamNames(repository, kind).map((contentId) => parseContentId(contentId)!.digest);
}
