import { diffIds, parseImageConfig, parseJson } from '@cfskit/oci-spec';
import { RenderError } from './errors.ts';
import type { DescribedLayer, ImageDirectory } from './image-directory.ts';
import type { FoundLayers } from './layout-directory.ts';
import { parseCreated } from './render-image.ts';

/** The file that lists the images of a docker-save archive. */
export const DOCKER_MANIFEST = 'manifest.json';

/**
 * The layers of the first image of an unpacked docker-save archive.
 *
 * @throws {RenderError} NO_IMAGE, INVALID_IMAGE
 */
export async function dockerLayers(manifest: Uint8Array, directory: ImageDirectory): Promise<FoundLayers> {
  const images = parseJson(manifest);
  if (!Array.isArray(images)) throw invalid('is no list');
  if (images.length === 0) throw new RenderError('NO_IMAGE', `empty ${DOCKER_MANIFEST}`);
  const image = objectOf(images[0], 'an image');
  const layers = layersOf(image);
  if (image['Config'] === undefined) return { layers };
  const config = parseImageConfig(await directory.read(pathOf(image['Config'])));
  const ids = diffIds(config);
  if (ids.length !== layers.length) throw invalid(`lists ${layers.length} layers, and the config ${ids.length} diff_ids`);
  const created = parseCreated(config.created);
  return { layers: layers.map((layer, i) => Object.assign(layer, { diffId: ids[i]! })), ...(created && { created }) };
}

function layersOf(image: Readonly<Record<string, unknown>>): DescribedLayer[] {
  const paths = image['Layers'] ?? [];
  if (!Array.isArray(paths)) throw invalid('has no list of layers');
  const sources = objectOf(image['LayerSources'] ?? {}, 'LayerSources');
  return paths.map((value: unknown) => {
    const place = pathOf(value);
    const source = objectOf(sources[`sha256:${place.slice(place.lastIndexOf('/') + 1)}`] ?? {}, 'an entry of LayerSources');
    const mediaType = source['mediaType'];
    return { place, mediaType: typeof mediaType === 'string' ? mediaType : '' };
  });
}

function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
  throw invalid(`has something else for ${what}`);
}

/** A path in the directory; a digest is none here. */
function pathOf(value: unknown): string {
  if (typeof value === 'string' && value !== '' && !/^\/|:|\0/.test(value) && !value.split('/').includes('..')) return value;
  throw invalid(`has ${JSON.stringify(value)} for a path`);
}

function invalid(what: string): RenderError {
  return new RenderError('INVALID_IMAGE', `${DOCKER_MANIFEST} ${what}`);
}
