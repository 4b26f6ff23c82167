import {
  isImageConfig,
  isIndex,
  isManifest,
  OciSpecError,
  parseImageConfig,
  parseIndex,
  parseManifest,
  readBlob,
  type Descriptor,
  type ImageSource,
  type Platform,
} from '@cfskit/oci-spec';

/** A manifest that an index leads to. */
export interface LayoutManifest {
  readonly descriptor: Descriptor;
  /** As the entry says, or else the image's config; artifacts may have none. */
  readonly platform?: Platform;
  /** The entry of the layout's own index that led here, where that is an index. */
  readonly indexDigest?: string;
}

type Blobs = Pick<ImageSource, 'open'>;
type Options = { readonly signal?: AbortSignal };

const MAX_NESTING = 4; // indexes below the layout's own, as in chooseManifest

/**
 * Every manifest that these entries lead to, in index order, nested indexes included. Entries of other types are passed over.
 * No blob is read twice, so the work is bounded by the blobs there are.
 *
 * @throws {OciSpecError} NESTED_INDEX, and what parsing a blob gives
 * @throws {VerifyError} SIZE_MISMATCH, DIGEST_MISMATCH
 */
export async function* layoutManifests(
  entries: readonly Descriptor[],
  blobs: Blobs,
  options: Options,
): AsyncGenerator<LayoutManifest, void> {
  const seen = new Set<string>();
  const platforms = new Map<string, Platform | undefined>();
  for (const entry of entries) {
    const indexDigest = isIndex(entry.mediaType) ? { indexDigest: entry.digest } : {};
    for await (const descriptor of manifestsBelow(entry, 0, blobs, seen, options)) {
      const { digest } = descriptor;
      if (descriptor.platform === undefined && !platforms.has(digest))
        platforms.set(digest, await platformOfImage(descriptor, blobs, options));
      const platform = descriptor.platform ?? platforms.get(digest);
      yield { descriptor, ...(platform && { platform }), ...indexDigest };
    }
  }
}

async function* manifestsBelow(
  entry: Descriptor,
  nesting: number,
  blobs: Blobs,
  seen: Set<string>,
  options: Options,
): AsyncGenerator<Descriptor, void> {
  if (isManifest(entry.mediaType)) yield entry;
  if (!isIndex(entry.mediaType) || seen.has(entry.digest)) return;
  const { digest } = entry;
  if (nesting === MAX_NESTING)
    throw new OciSpecError('NESTED_INDEX', `indexes are nested deeper than ${MAX_NESTING}: ${digest}`, { digest });
  seen.add(digest);
  const { manifests } = parseIndex(await readBlob(blobs, entry, options));
  for (const child of manifests) yield* manifestsBelow(child, nesting + 1, blobs, seen, options);
}

async function platformOfImage(descriptor: Descriptor, blobs: Blobs, options: Options): Promise<Platform | undefined> {
  const { config } = parseManifest(await readBlob(blobs, descriptor, options));
  if (!isImageConfig(config.mediaType)) return undefined;
  const { os, architecture, variant } = parseImageConfig(await readBlob(blobs, config, options));
  return { os, architecture, ...(variant !== undefined && { variant }) };
}
