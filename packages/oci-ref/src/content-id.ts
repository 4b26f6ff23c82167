import { isDigest } from '@cfskit/oci-spec';
import { encodeTag } from './tag.ts';

/** What a stream of an OCI image holds. */
export type ContentKind = 'layer' | 'config' | 'manifest' | 'blob';

const CONTENT_ID = /^oci-(layer|config|manifest|blob)-(.*)$/s;

/** The name of a stream under `streams/`: `oci-layer-<diff_id>`, `oci-manifest-<digest>` and so on. Artifact layers are layers, too. */
export function formatContentId(kind: ContentKind, digest: string): string {
  return `oci-${kind}-${digest}`;
}

/** What a stream's name says, or undefined if the stream is not one of an OCI image. */
export function parseContentId(text: string): { readonly kind: ContentKind; readonly digest: string } | undefined {
  const match = CONTENT_ID.exec(text);
  const digest = match?.[2];
  if (digest === undefined || !isDigest(digest)) return undefined;
  return { kind: match![1] as ContentKind, digest };
}

/** The named reference of a manifest stream to its config stream. Layers are named by their diff_id alone. */
export function configRefName(digest: string): string {
  return `config:${digest}`;
}

/** Where a tag is kept, below `streams/refs/`. */
export function tagRefPath(name: string): string {
  return `oci/${encodeTag(name)}`;
}

/** Where it is kept that an artifact refers to a manifest, below `streams/refs/`. */
export function referrerRefPath(subjectDigest: string, artifactDigest: string): string {
  return `oci-referrers/${encodeTag(subjectDigest)}/${encodeTag(artifactDigest)}`;
}
