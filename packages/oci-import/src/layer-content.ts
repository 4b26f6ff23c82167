import { CONTENT_TYPE } from '@cfskit/splitstream';
import { formatTarEntry } from '@cfskit/fs-tree';
import type { ObjectId } from '@cfskit/fs-verity';
import { formatContentId } from '@cfskit/oci-ref';
import { isImageConfig, layerFormat, parseManifest, verified, VerifyError } from '@cfskit/oci-spec';
import type { Repository } from '@cfskit/repository';
import type { Splitstream } from '@cfskit/splitstream';
import { readEntries, reconstruct } from '@cfskit/tar-split';
import type { TarEntry } from '@cfskit/tar-split';
import { OciImportError } from './errors.ts';
import { findJsonStream, manifestStreamName } from './image-streams.ts';
import { streamDigests } from './stream-names.ts';

/** What is known about a stored layer. The keys are those of the JSON output. */
export interface LayerInfo {
  readonly diffId: string;
  /** object id of its stream */
  readonly verity: ObjectId;
  /** bytes of the tar */
  readonly size: number;
  readonly entryCount: number;
  readonly splitstream: {
    /** distinct objects */
    readonly externalObjects: number;
    /** their sizes, each as often as it occurs */
    readonly externalSize: number;
    readonly inlineSize: number;
  };
}

/** How a layer is read. */
export interface ReadLayerOptions {
  readonly signal?: AbortSignal;
}

/**
 * Counts what is in a layer. No object is opened.
 *
 * @param diffId a whole digest; `resolveLayer` makes one of what people type
 * @throws {OciImportError} NOT_FOUND. {TarSplitError} for entries that cannot be listed. {RepositoryError} INVALID_STREAM
 */
export async function layerInfo(repository: Repository, diffId: string): Promise<LayerInfo> {
  const { id, stream } = await openLayerStream(repository, diffId);
  let entryCount = 0;
  let externalSize = 0;
  for await (const entry of readEntries(stream.chunks())) {
    entryCount++;
    if (entry.type === 'file' && entry.content.kind === 'external') externalSize += entry.content.size;
  }
  const size = stream.streamSize;
  const splitstream = { externalObjects: stream.objectRefs.length, externalSize, inlineSize: size - externalSize };
  return { diffId, verity: id, size, entryCount, splitstream };
}

/**
 * The entries of a layer in the order of its tar, whiteouts among them. No object is opened.
 *
 * @throws as {@link layerInfo}
 */
export async function* listLayer(repository: Repository, diffId: string): AsyncGenerator<TarEntry, void> {
  const { stream } = await openLayerStream(repository, diffId);
  yield* readEntries(stream.chunks());
}

/**
 * The listing of a layer as text: one line of a dumpfile per entry, without its newline.
 *
 * @throws as {@link layerInfo}
 */
export async function* dumpLayer(repository: Repository, diffId: string): AsyncGenerator<string, void> {
  for await (const entry of listLayer(repository, diffId)) yield formatTarEntry(entry);
}

/**
 * The tar of a layer, byte for byte as it was, hashed on the way. Chunks have at most about a MiB and belong to the consumer.
 *
 * @throws {OciImportError} NOT_FOUND; INTEGRITY after the last byte, if the layer no longer hashes to its diff_id.
 *   {TarSplitError} {RepositoryError} for streams and objects that are damaged. The signal's reason
 */
export async function* layerTar(repository: Repository, diffId: string, options: ReadLayerOptions = {}): AsyncGenerator<Uint8Array, void> {
  const { stream } = await openLayerStream(repository, diffId);
  const tar = reconstruct(stream.chunks(), (id) => repository.objects.open(id, options));
  try {
    yield* verified(tar, { digest: diffId });
  } catch (cause) {
    if (!(cause instanceof VerifyError)) throw cause;
    if (await isPackedInArtifact(repository, diffId)) return;
    const message = `Layer integrity failed: expected ${diffId}, got ${cause.actual}`;
    throw new OciImportError('INTEGRITY', message, { blob: diffId, expected: diffId, actual: String(cause.actual) }, { cause });
  }
}

async function openLayerStream(repository: Repository, diffId: string): Promise<{ readonly id: ObjectId; readonly stream: Splitstream }> {
  const id = repository.hasStream(formatContentId('layer', diffId));
  if (id === undefined) throw new OciImportError('NOT_FOUND', `Layer ${diffId} not found`, { blob: diffId });
  return { id, stream: await repository.openStream({ id }, { contentType: CONTENT_TYPE.layer }) };
}

/** A compressed tar in an artifact is called by the digest of its blob, and that of its content is known to nobody. */
async function isPackedInArtifact(repository: Repository, digest: string): Promise<boolean> {
  for (const manifestDigest of streamDigests(repository, 'manifest')) {
    const stored = await findJsonStream(repository, manifestStreamName(manifestDigest));
    if (stored?.namedRefs.has(digest) !== true) continue;
    const { config, layers } = parseManifest(stored.raw);
    if (isImageConfig(config.mediaType)) continue;
    if (layers.some((layer) => layer.digest === digest && isCompressedTar(layer.mediaType))) return true;
  }
  return false;
}

function isCompressedTar(mediaType: string): boolean {
  const format = layerFormat(mediaType);
  return format.kind === 'tar' && format.compression !== 'none';
}
