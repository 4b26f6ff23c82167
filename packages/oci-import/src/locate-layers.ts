import { CONTENT_TYPE } from '@cfskit/splitstream';
import type { ObjectId } from '@cfskit/fs-verity';
import type { Repository } from '@cfskit/repository';
import { layerFailure } from './image-job.ts';
import type { ImageJob } from './image-job.ts';
import type { LocatedLayer, PlannedLayer } from './layer-plan.ts';

/**
 * Looks which layers are there. A layer is there when its name leads to a stream, or when the stored config (or the
 * stored manifest of an artifact) refers to one: then it gets back the name that it lost.
 *
 * A name or reference that leads to an object that is gone counts as none, unlike in the reference, where such a layer
 * is never repaired.
 *
 * @param refs named references of the stored config or manifest, if there is one
 * @throws {OciImportError} LAYER_FAILED, if what is there is not a stream of the right type
 */
export async function locateLayers(
  job: ImageJob,
  layers: readonly PlannedLayer[],
  refs: ReadonlyMap<string, ObjectId>,
): Promise<readonly LocatedLayer[]> {
  const located: LocatedLayer[] = [];
  for (const layer of layers) {
    try {
      located.push({ ...layer, present: await locate(job.repository, layer, refs.get(layer.id)) });
    } catch (cause) {
      throw layerFailure(job, layer.context, cause);
    }
  }
  return located;
}

/** The stream that is referred to comes first: what refers to it then need not be written again. */
async function locate(repository: Repository, layer: PlannedLayer, referred: ObjectId | undefined): Promise<ObjectId | undefined> {
  const named = repository.hasStream(layer.contentId);
  if (referred !== undefined && repository.objects.hasSync(referred)) {
    await checkLayerStream(repository, layer, referred);
    if (named === undefined) await repository.registerStream(layer.contentId, referred);
    return referred;
  }
  if (named !== undefined) await checkLayerStream(repository, layer, named);
  return named;
}

/** @throws {RepositoryError} INVALID_STREAM, CORRUPT_OBJECT */
async function checkLayerStream(repository: Repository, layer: PlannedLayer, id: ObjectId): Promise<void> {
  await repository.openStream({ id }, { contentType: layer.kind === 'tar' ? CONTENT_TYPE.layer : CONTENT_TYPE.blob });
}
