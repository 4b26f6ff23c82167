/** Findings that say in words what is wrong. */
export type DetailedImageFinding =
  | 'manifest-read-failed'
  | 'manifest-parse-failed'
  | 'config-ref-missing'
  | 'config-read-failed'
  | 'config-parse-failed'
  | 'layer-ref-missing'
  | 'layer-stream-missing'
  | 'layer-check-failed'
  | 'layer-object-missing'
  | 'seal-image-missing'
  | 'erofs-image-missing'
  | 'artifact-layer-ref-missing'
  | 'artifact-layer-object-missing'
  | 'ref-resolve-failed'
  | 'invalid-ref-name';

/** Findings that compare two digests. */
export type DigestFinding = 'manifest-digest-mismatch' | 'config-digest-mismatch';

/** One thing that is wrong with an image. `name` is its tag, or what the check was asked for. */
export type OciFsckFinding =
  | { readonly type: DetailedImageFinding; readonly name: string; readonly detail: string }
  | { readonly type: DigestFinding; readonly name: string; readonly expected: string; readonly actual: string };

/** The finding as a line of text: `fsck: layer-stream-missing: demo: sha256:…`. */
export function formatOciFinding(finding: OciFsckFinding): string {
  const detail = 'detail' in finding ? finding.detail : `expected ${finding.expected}, got ${finding.actual}`;
  return `fsck: ${finding.type}: ${finding.name}: ${detail}`;
}
