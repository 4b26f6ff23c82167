import { layerFormat } from '@cfskit/oci-spec';
import type { Descriptor } from '@cfskit/oci-spec';
import { OciImportError } from './errors.ts';
import { describeImage, inStep, placeOf } from './image-job.ts';
import type { ImageJob } from './image-job.ts';
import type { LocatedLayer } from './layer-plan.ts';

/**
 * The layers to be read, in the form in which the source has them: a plain tar where the manifest names a compressed blob, for instance. What the
 * manifest says stays what is stored; whatever the form, a layer must hash to its diff_id.
 *
 * @throws {OciImportError} RESOLVE_FAILED if the source cannot tell; UNSUPPORTED_LAYER for a form that is none for this layer
 */
export async function asStored(job: ImageJob, layers: readonly LocatedLayer[]): Promise<readonly LocatedLayer[]> {
  const { source, options, resolved } = job;
  if (source.storedLayers === undefined || layers.every((layer) => layer.present !== undefined)) return layers;
  const { signal } = options;
  const stored = await inStep(job, 'RESOLVE_FAILED', 'Failed to find the layers', job.manifestDigest, async () =>
    source.storedLayers!(resolved, signal === undefined ? {} : { signal }),
  );
  if (stored.length !== layers.length) {
    const message = `expected ${layers.length} layers but got ${stored.length} from the source of ${describeImage(job)}`;
    throw new OciImportError('LAYER_COUNT', message, { ...placeOf(job), blob: job.manifestDigest });
  }
  return layers.map((layer, index) => (layer.present === undefined ? inForm(job, layer, stored[index]!) : layer));
}

function inForm(job: ImageJob, layer: LocatedLayer, descriptor: Descriptor): LocatedLayer {
  if (descriptor.digest === layer.descriptor.digest && descriptor.mediaType === layer.descriptor.mediaType) return layer;
  const format = layerFormat(descriptor.mediaType);
  if (format.kind === 'tar' && layer.kind === 'tar') return { ...layer, descriptor, compression: format.compression };
  const message = `Cannot import layer ${layer.descriptor.digest} of ${describeImage(job)}: the source has it as ${descriptor.mediaType}`;
  throw new OciImportError('UNSUPPORTED_LAYER', message, { ...placeOf(job), layer: layer.context, blob: layer.descriptor.digest });
}
