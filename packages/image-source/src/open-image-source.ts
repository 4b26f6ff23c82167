import { formatImageReference, parseImageReference, parseOciLayoutRef, type ImageReference } from '@cfskit/oci-ref';
import { openDirImage, openDockerArchive, openOciArchive, openOciDir, type OpenArchiveOptions } from '@cfskit/ocidir';
import type { RegistryClientOptions } from '@cfskit/registry';
import { parseArchiveRef } from './archive-reference.ts';
import { ImageSourceError } from './errors.ts';
import { withForeignLayers, type ForeignLayerOptions } from './foreign-layers.ts';
import { RegistryImage } from './registry-image.ts';
import type { RootedImageSource } from './rooted-source.ts';

/** How images are opened. */
export interface OpenImageSourceOptions extends ForeignLayerOptions, OpenArchiveOptions {
  /** Refuse layouts and directories that do not say that they are such, instead of warning. */
  readonly strict?: boolean;
  /** Paths are those of Windows; if not said, as this machine has them. */
  readonly windows?: boolean;
}

/**
 * The source of images that a reference names: `docker://name`, `oci:dir[:tag]`, `oci-archive:file[:name]`, `docker-archive:file[:name]`,
 * `dir:directory`. To be closed when it is no longer needed.
 *
 * A registry is not asked before the image is resolved. A client that is given decides itself about foreign layers.
 *
 * @throws {OciRefError} for what is no reference
 * @throws {ImageSourceError} UNSUPPORTED_TRANSPORT
 * @throws {OciDirError} a layout, archive or directory cannot be opened
 */
export async function openImageSource(
  reference: string | ImageReference,
  options: OpenImageSourceOptions = {},
): Promise<RootedImageSource> {
  const { transport, name } = typeof reference === 'string' ? parseImageReference(reference) : reference;
  if (transport === 'registry') return new RegistryImage(name, { ...options, registry: registryOptionsOf(options) });
  return withForeignLayers(await openLocal({ transport, name }, options), options);
}

/** What a registry client is made with, where none is given. */
export function registryOptionsOf({ registry, foreignLayers }: OpenImageSourceOptions): RegistryClientOptions {
  return { ...(foreignLayers !== undefined && { foreignLayers }), ...registry };
}

async function openLocal({ transport, name }: ImageReference, options: OpenImageSourceOptions): Promise<RootedImageSource> {
  const { windows = process.platform === 'win32' } = options;
  switch (transport) {
    case 'oci': {
      const { path, tag } = parseOciLayoutRef(name, { windows });
      return await openOciDir(path, withTag(options, tag));
    }
    case 'oci-archive': {
      const ref = parseArchiveRef(name, { windows });
      return await openOciArchive(ref.path, withTag(options, ref.name));
    }
    case 'docker-archive': {
      const ref = parseArchiveRef(name, { windows });
      return await openDockerArchive(ref.path, withTag(options, ref.name));
    }
    case 'dir':
      return await openDirImage(name, options);
    default: {
      const text = formatImageReference({ transport, name });
      throw new ImageSourceError('UNSUPPORTED_TRANSPORT', text, `images of ${transport} are not read here: ${text}`);
    }
  }
}

function withTag<T extends object>(options: T, tag: string | undefined): T & { readonly tag?: string } {
  return tag === undefined ? options : { ...options, tag };
}
