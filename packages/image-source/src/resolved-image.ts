import { parseManifest, type Descriptor, type Manifest, type Platform, type ResolveOptions } from '@cfskit/oci-spec';
import type { RootedImageSource } from './rooted-source.ts';

/** A document: the bytes as they are stored, and what they say. */
export interface Document<T> {
  readonly raw: Uint8Array;
  readonly item: T;
}

/** An image whose manifest is at hand. */
export interface ResolvedImage {
  /** In full: `docker.io/library/alpine:3.19`, or a reference with its transport. */
  readonly name: string;
  /** Of the manifest. */
  readonly digest: string;
  readonly descriptor: Descriptor;
  readonly manifest: Document<Manifest>;
  /** The name within its source: a tag. Absent for a name with a digest only. */
  readonly tag?: string;
  /** Digest of the index that the manifest was chosen from. */
  readonly indexDigest?: string;
  readonly platform?: Platform;
  /** Where its blobs come from. */
  readonly source: RootedImageSource;
}

/** Choose an image from a source and read its manifest. */
export async function resolveImage(
  source: RootedImageSource,
  name: string,
  tag: string | undefined,
  options: ResolveOptions,
): Promise<ResolvedImage> {
  const { descriptor, raw, indexDigest, platform } = await source.resolve(options);
  return {
    name,
    digest: descriptor.digest,
    descriptor,
    manifest: { raw, item: parseManifest(raw) },
    source,
    ...(tag !== undefined && { tag }),
    ...(indexDigest !== undefined && { indexDigest }),
    ...(platform !== undefined && { platform }),
  };
}
