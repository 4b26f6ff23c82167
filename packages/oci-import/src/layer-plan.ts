import type { ObjectId } from '@cfskit/fs-verity';
import { formatContentId } from '@cfskit/oci-ref';
import { diffIds, digestAlgorithm, layerFormat } from '@cfskit/oci-spec';
import type { Descriptor, ImageConfig, LayerCompression } from '@cfskit/oci-spec';
import { OciImportError } from './errors.ts';
import type { LayerContext } from './errors.ts';
import { describeImage, inStep, placeOf } from './image-job.ts';
import type { ImageJob } from './image-job.ts';

/** One layer of the image being imported, before anybody has looked whether it is there. */
export interface PlannedLayer {
  readonly descriptor: Descriptor;
  readonly context: LayerContext;
  /** what the layer is called in config and manifest: its diff_id, or its digest in an artifact */
  readonly id: string;
  /** digest of the decompressed layer; unknown for artifacts */
  readonly diffId: string | undefined;
  /** the id in progress events: the same, with `#2` and so on where a layer occurs again */
  readonly eventId: string;
  /** the name of its stream */
  readonly contentId: string;
  readonly kind: 'tar' | 'blob';
  readonly compression: LayerCompression;
}

/** A layer and the stream it has, if it has one. */
export interface LocatedLayer extends PlannedLayer {
  readonly present: ObjectId | undefined;
}

/**
 * Pairs the layers of a manifest with their ids, and refuses what could never become an image: another number of
 * diff_ids, layers that are no tars, encrypted ones. Nothing has been read or stored at that point.
 *
 * @param config absent for artifacts, whose layers are called by their digests
 * @throws {OciImportError} LAYER_COUNT, UNSUPPORTED_LAYER, INVALID_DIFF_ID
 */
export async function planLayers(job: ImageJob, config: ImageConfig | undefined): Promise<readonly PlannedLayer[]> {
  const { layers } = job.manifest;
  const ids = config === undefined ? layers.map((layer) => layer.digest) : await checkedDiffIds(job, config);
  const seen = new Map<string, number>();
  return layers.map((descriptor, index) => {
    const id = ids[index]!;
    const occurrence = (seen.get(id) ?? 0) + 1;
    seen.set(id, occurrence);
    const context = { index, count: layers.length, digest: descriptor.digest, diffId: id, mediaType: descriptor.mediaType };
    const { kind, compression } = treatment(job, context, config !== undefined);
    return {
      descriptor,
      context,
      id,
      diffId: config === undefined ? undefined : id,
      eventId: occurrence === 1 ? id : `${id}#${occurrence}`,
      contentId: formatContentId('layer', id),
      kind,
      compression,
    };
  });
}

async function checkedDiffIds(job: ImageJob, config: ImageConfig): Promise<readonly string[]> {
  const { layers, config: descriptor } = job.manifest;
  const { digest } = descriptor;
  // oxlint-disable-next-line typescript/require-await -- steps are asynchronous
  const ids = await inStep(job, 'INVALID_DIFF_ID', `Failed to import config ${digest}`, digest, async () => diffIds(config));
  if (ids.length === layers.length) return ids;
  const message = `expected ${layers.length} layer refs but got ${ids.length} diff_ids in config ${digest} of ${describeImage(job)}`;
  throw new OciImportError('LAYER_COUNT', message, { ...placeOf(job), config: digest, blob: digest });
}

function treatment(job: ImageJob, layer: LayerContext, isContainer: boolean): Pick<PlannedLayer, 'kind' | 'compression'> {
  const format = layerFormat(layer.mediaType);
  if (format.kind === 'encrypted') throw unsupported(job, layer, 'it is encrypted');
  if (format.kind === 'blob' && isContainer) throw unsupported(job, layer, 'a layer of an image must be a tar');
  try {
    digestAlgorithm(layer.digest);
  } catch (cause) {
    throw unsupported(job, layer, 'its digest cannot be checked', { cause });
  }
  return format.kind === 'tar' ? { kind: 'tar', compression: format.compression } : { kind: 'blob', compression: 'none' };
}

function unsupported(job: ImageJob, layer: LayerContext, reason: string, options?: ErrorOptions): OciImportError {
  const message = `Cannot import layer ${layer.digest} (${layer.index + 1} of ${layer.count}, ${layer.mediaType}) of ${describeImage(job)}: ${reason}`;
  return new OciImportError('UNSUPPORTED_LAYER', message, { ...placeOf(job), layer, blob: layer.digest }, options);
}
