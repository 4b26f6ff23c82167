import { digestOf, mediaTypes } from '@cfskit/oci-spec';
import type { Descriptor, ImageSource } from '@cfskit/oci-spec';
import { OciImportError } from './errors.ts';

/** A manifest that was made here, and the blobs that nobody else has. */
export interface DocumentSourceOptions {
  /** what messages call it */
  readonly name: string;
  readonly manifest: Uint8Array;
  /** of the manifest; that of OCI manifests unless it says another */
  readonly mediaType?: string | undefined;
  readonly blobs: readonly Uint8Array[];
}

/** The source of an image or artifact that was made here; what it has in common with a stored one is not asked for. */
export function documentSource({ name, manifest: raw, mediaType = mediaTypes.manifest, blobs }: DocumentSourceOptions): ImageSource {
  const byDigest = new Map(blobs.map((blob) => [digestOf(blob), blob]));
  const descriptor: Descriptor = { mediaType, digest: digestOf(raw), size: raw.byteLength };
  return {
    describe: () => name,
    resolve: () => Promise.resolve({ descriptor, raw }),
    async *open({ digest }) {
      const blob = byDigest.get(digest);
      if (blob === undefined) throw new OciImportError('NOT_FOUND', `${name} has no blob ${digest}`, { blob: digest });
      yield blob.slice(); // chunks belong to whoever reads them
    },
  };
}
