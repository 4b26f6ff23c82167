import {
  formatPlatform,
  isImageConfig,
  isManifest,
  matchesPlatform,
  mediaTypes,
  nativePlatform,
  OciSpecError,
  parseImageConfig,
  parseIndex,
  parseManifest,
  readBlob,
  type Descriptor,
  type ImageSource,
  type Index,
  type Platform,
  type ResolvedManifest,
  type ResolveOptions,
} from '@cfskit/oci-spec';

const MAX_LISTED = 10;

/** A manifest together with the documents that belong to it, by digest: itself, and the config of an image. */
export interface ImageDocuments {
  readonly resolved: ResolvedManifest;
  readonly documents: ReadonlyMap<string, Uint8Array>;
}

/**
 * Read what a manifest says, and the config of an image for its platform. A single image that is not for the platform asked for is refused; where none
 * was asked for it is taken, with a warning if it is not for this machine.
 *
 * @param digest which `raw` has; it has been checked
 * @throws {OciSpecError} NO_MATCH, UNEXPECTED_MEDIA_TYPE, and what parsing gives. {VerifyError} for the config
 */
export async function readDocuments(
  source: Pick<ImageSource, 'open' | 'describe'>,
  raw: Uint8Array,
  digest: string,
  options: ResolveOptions,
): Promise<ImageDocuments> {
  const manifest = parseManifest(raw);
  const { mediaType = mediaTypes.manifest, config } = manifest;
  if (!isManifest(mediaType))
    throw new OciSpecError('UNEXPECTED_MEDIA_TYPE', `Unexpected media type ${mediaType} of ${digest}`, { digest });
  const descriptor: Descriptor = { mediaType, digest, size: raw.byteLength };
  const documents = new Map([[digest, raw]]);
  if (!isImageConfig(config.mediaType)) return { resolved: { descriptor, raw }, documents };
  const configRaw = await readBlob(source, config, options.signal === undefined ? {} : { signal: options.signal });
  const platform = platformOf(configRaw);
  checkPlatform(source, platform, digest, options);
  return { resolved: { descriptor, raw, platform }, documents: documents.set(config.digest, configRaw) };
}

/** The index that these bytes are; undefined if they are something else. */
export function asIndex(raw: Uint8Array): Index | undefined {
  try {
    return parseIndex(raw);
  } catch (error) {
    if (error instanceof OciSpecError) return undefined;
    throw error;
  }
}

/** The error for an index that has nothing for a platform; undefined if it has. */
export function noMatch({ manifests }: Index, wanted: Platform): OciSpecError | undefined {
  if (manifests.some(({ platform }) => platform !== undefined && matchesPlatform(wanted, platform))) return undefined;
  const found = manifests.flatMap(({ platform }) => (platform === undefined ? [] : [formatPlatform(platform)]));
  const listed =
    found.length === 0 ? '(no platform info)' : [...found.slice(0, MAX_LISTED), ...(found.length > MAX_LISTED ? ['...'] : [])].join(', ');
  return new OciSpecError('NO_MATCH', `No manifest found for platform ${formatPlatform(wanted)}; available: ${listed}`);
}

/** A document that is in memory, as a stream. */
export async function* documentChunks(bytes: Uint8Array, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void> {
  signal?.throwIfAborted();
  yield await Promise.resolve(bytes.slice());
  signal?.throwIfAborted();
}

function platformOf(configRaw: Uint8Array): Platform {
  const { os, architecture, variant } = parseImageConfig(configRaw);
  return { os, architecture, ...(variant !== undefined && { variant }) };
}

function checkPlatform(
  source: Pick<ImageSource, 'describe'>,
  found: Platform,
  digest: string,
  { platform: wanted, onWarning }: ResolveOptions,
): void {
  if (matchesPlatform(wanted ?? nativePlatform(process), found)) return;
  if (wanted === undefined) {
    onWarning?.(`${source.describe()} is an image for ${formatPlatform(found)}`);
    return;
  }
  const message = `No manifest found for platform ${formatPlatform(wanted)}; available: ${formatPlatform(found)}`;
  throw new OciSpecError('NO_MATCH', message, { digest });
}
