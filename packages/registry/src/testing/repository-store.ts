import { digestOf, isIndex, isManifest, type Descriptor } from '@cfskit/oci-spec';

/** A manifest or index in a test registry. */
export interface StoredManifest {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** One repository of a test registry. */
export class TestRepository {
  /** By digest. To make the registry lie, put other bytes there. */
  readonly blobs: Map<string, Uint8Array> = new Map();
  /** By digest. */
  readonly manifests: Map<string, StoredManifest> = new Map();
  /** Digests by tag, in the order in which they came. */
  readonly tags: Map<string, string> = new Map();

  /** Store bytes: as a manifest if the media type is one of a manifest or index, as a blob otherwise. */
  put(bytes: Uint8Array, mediaType: string = 'application/octet-stream', tag?: string): Descriptor {
    const digest = digestOf(bytes);
    if (isManifest(mediaType) || isIndex(mediaType)) this.manifests.set(digest, { mediaType, bytes });
    else this.blobs.set(digest, bytes);
    if (tag !== undefined) this.tags.set(tag, digest);
    return { mediaType, digest, size: bytes.byteLength };
  }

  /** The manifest that a tag or digest stands for. */
  manifest(reference: string): (StoredManifest & { readonly digest: string }) | undefined {
    const digest = this.tags.get(reference) ?? reference;
    const found = this.manifests.get(digest);
    return found && { ...found, digest };
  }

  /** Entries of the manifests whose `subject` is this digest. */
  referrersOf(digest: string): readonly Descriptor[] {
    return [...this.manifests].flatMap(([own, { mediaType, bytes }]) => {
      const { subject, artifactType, annotations, config } = JSON.parse(new TextDecoder().decode(bytes)) as Members;
      if (subject?.digest !== digest) return [];
      const type = artifactType ?? config?.mediaType;
      return [{ mediaType, digest: own, size: bytes.byteLength, ...(type && { artifactType: type }), ...(annotations && { annotations }) }];
    });
  }
}

interface Members {
  readonly subject?: Descriptor;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly config?: Descriptor;
}
