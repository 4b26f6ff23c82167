import { isManifest, parseManifest, readBlob, type Descriptor, type ImageSource, type Manifest, type Parsed } from '@cfskit/oci-spec';

/** A manifest whose `subject` is the one asked for: a signature, an attestation, a delta. */
export interface Referrer {
  /** The entry of the layout's index. */
  readonly descriptor: Descriptor;
  /** What it is: the manifest's `artifactType`, or else the media type of its config. */
  readonly artifactType: string;
  readonly manifest: Parsed<Manifest>;
}

/** Which referrers are wanted. */
export interface ReferrersOptions {
  /** Only those of this type. */
  readonly artifactType?: string;
  readonly signal?: AbortSignal;
}

/**
 * The manifests among `entries` that refer to `subject`, in index order, each once. Every manifest is read and checked; nested
 * indexes are not searched.
 *
 * @throws {OciSpecError} {VerifyError} an entry is not a manifest or not what its digest says
 */
export async function referrersAmong(
  entries: readonly Descriptor[],
  subject: string,
  blobs: Pick<ImageSource, 'open'>,
  { artifactType: wanted, signal }: ReferrersOptions,
): Promise<readonly Referrer[]> {
  const found: Referrer[] = [];
  const manifests = new Map(entries.filter((entry) => isManifest(entry.mediaType)).map((entry) => [entry.digest, entry]));
  for (const descriptor of manifests.values()) {
    const manifest = parseManifest(await readBlob(blobs, descriptor, signal === undefined ? {} : { signal }));
    if (manifest.subject?.digest !== subject) continue;
    const artifactType = typeOf(manifest);
    if (wanted === undefined || wanted === artifactType) found.push({ descriptor, artifactType, manifest });
  }
  return found;
}

/** What kind of artifact a manifest is, as the distribution specification defines it. */
export function typeOf(manifest: Manifest): string {
  return manifest.artifactType ?? manifest.config.mediaType;
}
