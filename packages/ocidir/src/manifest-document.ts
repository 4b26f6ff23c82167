import {
  isIndex,
  isManifest,
  mediaTypes,
  OciSpecError,
  parseIndex,
  parseJson,
  parseManifest,
  type Descriptor,
  type Index,
  type Manifest,
} from '@cfskit/oci-spec';
import { OciDirError } from './errors.ts';

/** A manifest or an index. */
export type ManifestOrIndex =
  | { readonly mediaType: string; readonly manifest: Manifest; readonly index?: undefined }
  | { readonly mediaType: string; readonly manifest?: undefined; readonly index: Index };

/**
 * Parse what is a manifest or an index.
 *
 * @param mediaType if it is known from elsewhere; otherwise what the document says of itself, or the OCI type for its form
 * @throws {OciSpecError} UNEXPECTED_MEDIA_TYPE, and what parsing gives
 */
export function parseEither(raw: Uint8Array, mediaType?: string): ManifestOrIndex {
  const said = mediaType ?? mediaTypeOf(parseJson(raw));
  if (isIndex(said)) return { mediaType: said, index: parseIndex(raw) };
  if (isManifest(said)) return { mediaType: said, manifest: parseManifest(raw) };
  throw new OciSpecError('UNEXPECTED_MEDIA_TYPE', `Unexpected media type ${said}`);
}

/** What a manifest or index names: the manifests of an index; the config and layers of a manifest. */
export function childrenOf({ manifest, index }: ManifestOrIndex): readonly Descriptor[] {
  return manifest === undefined ? index.manifests : [manifest.config, ...manifest.layers];
}

/** Whether a layer may be absent, because it is kept elsewhere. */
export function isForeign({ urls }: Descriptor): boolean {
  return urls !== undefined && urls.length > 0;
}

/** A manifest cannot be written before what it names. */
export function neededBlob(path: string, { digest, size }: Descriptor): OciDirError {
  return new OciDirError('BLOB_NOT_FOUND', path, `no such blob, or not of ${size} bytes: ${digest}`, { digest });
}

function mediaTypeOf(document: unknown): string {
  if (typeof document !== 'object' || document === null) return mediaTypes.manifest;
  if ('mediaType' in document && typeof document.mediaType === 'string') return document.mediaType;
  return 'manifests' in document ? mediaTypes.index : mediaTypes.manifest;
}
