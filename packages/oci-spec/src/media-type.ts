/** Media types of the OCI image specification and of Docker's "schema 2", by what they are. */
export const mediaTypes = {
  descriptor: 'application/vnd.oci.descriptor.v1+json',
  layoutHeader: 'application/vnd.oci.layout.header.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  foreignLayer: 'application/vnd.oci.image.layer.nondistributable.v1.tar',
  foreignLayerGzip: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  foreignLayerZstd: 'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
  empty: 'application/vnd.oci.empty.v1+json',
  dockerManifestList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerLayerZstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
  dockerForeignLayerGzip: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
} as const;

/** How the tar of a layer is packed. */
export type LayerCompression = 'none' | 'gzip' | 'zstd';

/**
 * What to do with the bytes of a layer. `foreign` layers are fetched from elsewhere and not pushed; `encrypted` ones cannot be read
 * without a key; a `blob` is anything that is no tar.
 */
export type LayerFormat =
  | { readonly kind: 'tar'; readonly compression: LayerCompression; readonly foreign: boolean }
  | { readonly kind: 'encrypted' }
  | { readonly kind: 'blob' };

const TARS: ReadonlyMap<string, LayerFormat> = new Map([
  [mediaTypes.layer, tar('none', false)],
  [mediaTypes.layerGzip, tar('gzip', false)],
  [mediaTypes.layerZstd, tar('zstd', false)],
  [mediaTypes.foreignLayer, tar('none', true)],
  [mediaTypes.foreignLayerGzip, tar('gzip', true)],
  [mediaTypes.foreignLayerZstd, tar('zstd', true)],
  [mediaTypes.dockerLayer, tar('none', false)],
  [mediaTypes.dockerLayerGzip, tar('gzip', false)],
  [mediaTypes.dockerLayerZstd, tar('zstd', false)],
  [mediaTypes.dockerForeignLayerGzip, tar('gzip', true)],
]);

const ENCRYPTED = /^application\/vnd\.oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+gzip|\+zstd)?\+encrypted$/;

/** Classify a layer by its media type alone, compared as a whole: parameters or other letter case make it a `blob`. */
export function layerFormat(mediaType: string): LayerFormat {
  return TARS.get(mediaType) ?? { kind: ENCRYPTED.test(mediaType) ? 'encrypted' : 'blob' };
}

/** Whether this is the config of a container image, OCI's or Docker's. Anything else makes a manifest an artifact. */
export function isImageConfig(mediaType: string): boolean {
  return mediaType === mediaTypes.config || mediaType === mediaTypes.dockerConfig;
}

/** Whether this is an image manifest, OCI's or Docker's schema 2. */
export function isManifest(mediaType: string): boolean {
  return mediaType === mediaTypes.manifest || mediaType === mediaTypes.dockerManifest;
}

/** Whether this is an image index or Docker's manifest list. */
export function isIndex(mediaType: string): boolean {
  return mediaType === mediaTypes.index || mediaType === mediaTypes.dockerManifestList;
}

function tar(compression: LayerCompression, foreign: boolean): LayerFormat {
  return { kind: 'tar', compression, foreign };
}
