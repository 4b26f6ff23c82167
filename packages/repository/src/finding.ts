import type { ObjectId } from '@cfskit/fs-verity';

/** Findings that name a path and say in words what is wrong. */
export type DetailedFinding =
  | 'image-invalid'
  | 'image-open-failed'
  | 'image-read-failed'
  | 'object-invalid-name'
  | 'object-open-failed'
  | 'object-verity-failed'
  | 'stat-failed'
  | 'stream-open-failed'
  | 'stream-read-failed'
  | 'unexpected-file-type';

/** Findings that the path says everything about. */
export type PlainFinding = 'broken-symlink' | 'entry-not-symlink' | 'object-verity-missing';

/** One thing that is wrong with a repository. `path` is relative to its root. */
export type FsckFinding =
  | { readonly type: DetailedFinding; readonly path: string; readonly detail: string }
  | { readonly type: PlainFinding; readonly path: string }
  | { readonly type: 'object-digest-mismatch'; readonly path: string; readonly measured: ObjectId }
  | { readonly type: 'image-missing-object' | 'missing-object-ref'; readonly path: string; readonly objectId: ObjectId }
  | { readonly type: 'missing-named-ref'; readonly path: string; readonly refName: string; readonly objectId: ObjectId }
  | { readonly type: 'object-check-failed'; readonly path: string; readonly objectId: ObjectId; readonly detail: string }
  | { readonly type: 'metadata-parse-failed'; readonly detail: string }
  | { readonly type: 'metadata-algorithm-mismatch'; readonly expected: string; readonly actual: string };

/** The finding as a line of text: `fsck: broken-symlink: streams/x`. */
export function formatFinding(finding: FsckFinding): string {
  return `fsck: ${finding.type}: ${textOf(finding)}`;
}

function textOf(finding: FsckFinding): string {
  switch (finding.type) {
    case 'object-digest-mismatch':
      return `${finding.path}: measured ${finding.measured}`;
    case 'image-missing-object':
    case 'missing-object-ref':
      return `${finding.path}: ${finding.objectId}`;
    case 'missing-named-ref':
      return `${finding.path}: ref ${finding.refName}: ${finding.objectId}`;
    case 'object-check-failed':
      return `${finding.path}: ${finding.objectId}: ${finding.detail}`;
    case 'metadata-parse-failed':
      return `meta.json: ${finding.detail}`;
    case 'metadata-algorithm-mismatch':
      return `meta.json: expected ${finding.expected}, repository opened as ${finding.actual}`;
    case 'broken-symlink':
    case 'entry-not-symlink':
    case 'object-verity-missing':
      return finding.path;
    default:
      return `${finding.path}: ${finding.detail}`;
  }
}
