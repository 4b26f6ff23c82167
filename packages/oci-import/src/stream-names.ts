import { parseContentId } from '@cfskit/oci-ref';
import type { ContentKind } from '@cfskit/oci-ref';
import type { Repository } from '@cfskit/repository';

/** Digests of all stored streams of one kind, sorted. */
export function streamDigests(repository: Repository, kind: ContentKind): readonly string[] {
  return repository.streams().flatMap(({ contentId }) => {
    const content = parseContentId(contentId);
    return content?.kind === kind ? [content.digest] : [];
  });
}
