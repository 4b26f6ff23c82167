import { diffIds, isImageConfig, mediaTypes, parseImageConfig, parseManifest, type Descriptor } from '@cfskit/oci-spec';
import { ImageProxyError } from './errors.ts';
import type { LayerInfo } from './layer-info.ts';

/**
 * The layers of a manifest under the names and in the form in which a source has them.
 *
 * What is called by its diff_id is a plain tar, whatever its media type says: `docker-archive:` and `docker-daemon:` announce gzip, and so does skopeo 1.9 of
 * `containers-storage:`.
 *
 * @param listed what the source says it has, in the order of the manifest; undefined if it does not say
 * @throws {ImageProxyError} LAYER_COUNT
 */
export function storedLayers(manifestRaw: Uint8Array, configRaw: Uint8Array, listed?: readonly LayerInfo[]): readonly Descriptor[] {
  const { config, layers } = parseManifest(manifestRaw);
  if (listed !== undefined && listed.length !== layers.length) {
    throw new ImageProxyError('LAYER_COUNT', `wanted ${layers.length} layers, as the manifest has, found ${listed.length} at the source`);
  }
  const ids = isImageConfig(config.mediaType) ? diffIds(parseImageConfig(configRaw)) : [];
  return layers.map((layer, index) => {
    const found = listed?.[index] ?? layer;
    if (found.digest === ids[index]) return { mediaType: mediaTypes.layer, digest: found.digest, size: found.size };
    return found.digest === layer.digest ? layer : { mediaType: found.mediaType, digest: found.digest, size: found.size };
  });
}
