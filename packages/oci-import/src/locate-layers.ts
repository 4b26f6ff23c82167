import { CONTENT_TYPE } from '@cfskit/splitstream';
import type { ObjectId } from '@cfskit/fs-verity';
import { layerFailure } from './image-job.ts';
import type { ImageJob } from './image-job.ts';
import { layerDamage } from './layer-damage.ts';
import type { LocatedLayer, PlannedLayer } from './layer-plan.ts';

/**
 * Looks which layers are there. A layer is there when its name leads to a stream, or when the stored config (or the
 * stored manifest of an artifact) refers to one: then it gets back the name that it lost.
 *
 * A name or reference that leads to an object that is gone or damaged counts as none, and so does one to a stream with files that are gone,
 * unlike in the reference, where such a layer is never repaired.
 *
 * @param refs named references of the stored config or manifest, if there is one
 * @throws {OciImportError} LAYER_FAILED, if what is there is a stream of another type
 */
export async function locateLayers(
  job: ImageJob,
  layers: readonly PlannedLayer[],
  refs: ReadonlyMap<string, ObjectId>,
): Promise<readonly LocatedLayer[]> {
  const located: LocatedLayer[] = [];
  for (const layer of layers) {
    try {
      located.push({ ...layer, present: await locate(job, layer, refs.get(layer.id)) });
    } catch (cause) {
      throw layerFailure(job, layer.context, cause);
    }
  }
  return located;
}

/** The stream that is referred to comes first: what refers to it then need not be written again. */
async function locate(job: ImageJob, layer: PlannedLayer, referred: ObjectId | undefined): Promise<ObjectId | undefined> {
  const { repository } = job;
  const named = repository.hasStream(layer.contentId);
  if (referred !== undefined && repository.objects.hasSync(referred) && (await isWhole(job, layer, referred))) {
    if (named === undefined) await repository.registerStream(layer.contentId, referred);
    return referred;
  }
  return named !== undefined && named !== referred && (await isWhole(job, layer, named)) ? named : undefined;
}

/** What is damaged counts as none, too, for the source has it sound. */
async function isWhole({ repository, options }: ImageJob, layer: PlannedLayer, id: ObjectId): Promise<boolean> {
  const damage = await layerDamage(repository, id, layer.kind === 'tar' ? CONTENT_TYPE.layer : CONTENT_TYPE.blob);
  if (damage === undefined) return true;
  repository.objects.forget(); // what it has seen is not what there is
  options.onWarning?.(`the stored layer ${layer.id} is imported again: ${damage}`);
  return false;
}
