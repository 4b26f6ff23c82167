import { CliError } from '@cfskit/cli-kit';
import { layerTar, openImage } from '@cfskit/oci-import';
import { mediaTypes } from '@cfskit/oci-spec';
import { parseCreated, type RenderImage, type RenderLayer } from '@cfskit/render';
import type { Repository } from '@cfskit/repository';

/**
 * A stored image as one that can be rendered: its layers are the tars that the repository rebuilds.
 *
 * @throws {CliError} UNSUPPORTED for an artifact. {OciImportError} as `openImage`
 */
export async function storedRenderImage(repository: Repository, reference: string): Promise<RenderImage> {
  const { config, layers } = await openImage(repository, reference);
  if (config === undefined) throw new CliError('UNSUPPORTED', `${reference} is an artifact and no container image`);
  const created = parseCreated(config.created);
  return { name: `stored:${reference}`, layers: layers.map(({ id }) => storedLayer(repository, id)), ...(created && { created }) };
}

function storedLayer(repository: Repository, diffId: string): RenderLayer {
  return {
    name: diffId,
    mediaType: mediaTypes.layer,
    blob: { digest: diffId },
    diffId,
    open: (options) => layerTar(repository, diffId, options),
  };
}
