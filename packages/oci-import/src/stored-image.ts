import type { ObjectId } from '@cfskit/fs-verity';
import { configRefName } from '@cfskit/oci-ref';
import { isImageConfig, parseImageConfig, parseManifest } from '@cfskit/oci-spec';
import type { Descriptor, ImageConfig, Manifest } from '@cfskit/oci-spec';
import type { Repository } from '@cfskit/repository';
import { OciImportError } from './errors.ts';
import { configStreamName, findJsonStream, manifestStreamName } from './image-streams.ts';
import { readJsonStream } from './json-stream.ts';
import { resolveStoredReference } from './stored-reference.ts';
import { streamDigests } from './stream-names.ts';

/** One layer of a stored image or artifact. */
export interface StoredImageLayer {
  readonly descriptor: Descriptor;
  /** its diff_id; in an artifact its digest */
  readonly id: string;
  /** its stream, where config (or, for artifacts, manifest) refer to one */
  readonly verity: ObjectId | undefined;
}

/** An image or artifact as it is stored. Both documents hash to their digests. */
export interface StoredImage {
  readonly manifestDigest: string;
  readonly manifestVerity: ObjectId;
  /** the manifest's JSON, byte for byte */
  readonly manifestRaw: Uint8Array;
  readonly manifest: Manifest;
  readonly configDigest: string;
  readonly configVerity: ObjectId;
  /** the config's bytes */
  readonly configRaw: Uint8Array;
  /** absent for an artifact, whose config is not parsed */
  readonly config: ImageConfig | undefined;
  readonly isContainer: boolean;
  readonly layers: readonly StoredImageLayer[];
  /** references of the config stream: layers of an image, and `composefs.image…` for its EROFS images */
  readonly configRefs: ReadonlyMap<string, ObjectId>;
}

/**
 * Opens a stored image by tag, digest or the beginning of one; a config leads to a manifest that names it.
 *
 * @throws {OciImportError} NOT_FOUND, AMBIGUOUS, INTEGRITY, CORRUPT_STREAM. {OciRefError} INVALID_DIGEST.
 *   {RepositoryError} INVALID_STREAM. {OciSpecError} for JSON that is none
 */
export async function openImage(repository: Repository, reference: string): Promise<StoredImage> {
  const resolved = resolveStoredReference(repository, reference);
  const digest = resolved.kind === 'config' ? await manifestOf(repository, resolved.configDigest) : resolved.manifestDigest;
  return openManifest(repository, digest);
}

/** Opens a stored image by the digest of its manifest. @throws as {@link openImage} */
export async function openManifest(repository: Repository, manifestDigest: string): Promise<StoredImage> {
  const stored = await findJsonStream(repository, manifestStreamName(manifestDigest));
  if (stored === undefined) {
    throw new OciImportError('NOT_FOUND', `Manifest ${manifestDigest} not found`, { manifest: manifestDigest });
  }
  const manifest = parseManifest(stored.raw);
  const { digest: configDigest, mediaType } = manifest.config;
  const configVerity = stored.namedRefs.get(configRefName(configDigest));
  if (configVerity === undefined) {
    throw new OciImportError('CORRUPT_STREAM', `Manifest missing config reference: ${manifestDigest}`, { manifest: manifestDigest });
  }
  const { raw: configRaw, namedRefs: configRefs } = await readJsonStream(repository, configStreamName(configDigest), configVerity);
  const config = isImageConfig(mediaType) ? parseImageConfig(configRaw) : undefined;
  return {
    manifestDigest,
    manifestVerity: stored.id,
    manifestRaw: stored.raw,
    manifest,
    configDigest,
    configVerity,
    configRaw,
    config,
    isContainer: config !== undefined,
    layers: pairLayers(manifest, config, config === undefined ? stored.namedRefs : configRefs),
    configRefs,
  };
}

function pairLayers(manifest: Manifest, config: ImageConfig | undefined, refs: ReadonlyMap<string, ObjectId>): readonly StoredImageLayer[] {
  return manifest.layers.map((descriptor, index) => {
    const id = config === undefined ? descriptor.digest : (config.rootfs.diff_ids[index] ?? descriptor.digest);
    return { descriptor, id, verity: refs.get(id) };
  });
}

/** Several manifests may share a config; the first by digest stands for them. */
async function manifestOf(repository: Repository, configDigest: string): Promise<string> {
  for (const digest of streamDigests(repository, 'manifest')) {
    const stored = await findJsonStream(repository, manifestStreamName(digest));
    if (stored?.namedRefs.has(configRefName(configDigest)) === true) return digest;
  }
  throw new OciImportError('NOT_FOUND', `no stored manifest names config ${configDigest}`, { config: configDigest });
}
