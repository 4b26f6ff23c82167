import type { ImageReference } from '@cfskit/oci-ref';
import type { Platform, ResolveOptions } from '@cfskit/oci-spec';
import type { ImageRoot } from '@cfskit/ocidir';
import type { ImageDestination, WriteImageOptions, WrittenImage } from './image-destination.ts';
import { openImageDestination, type OpenImageDestinationOptions } from './open-image-destination.ts';
import { openImageSource, type OpenImageSourceOptions } from './open-image-source.ts';
import { signalOf, type RootedImageSource } from './rooted-source.ts';

/** What is copied, and how. */
export interface CopyImageOptions extends WriteImageOptions {
  /** Copy the image for this platform alone; otherwise an index is copied whole, with the images of all its platforms. */
  readonly platform?: Platform;
}

/**
 * Copy an image, or an index with all of its images, from any source to any destination. Nothing is converted: manifests, configs and
 * layers keep their bytes, and so their digests. Everything is checked on the way.
 *
 * @throws what source and destination throw {ImageSourceError} TOO_LARGE
 */
export async function copyImage(
  source: RootedImageSource,
  destination: ImageDestination,
  options: CopyImageOptions = {},
): Promise<WrittenImage> {
  const { platform: wanted, ...others } = options;
  if (wanted === undefined) return await destination.write(source, await source.resolveRoot(signalOf(options.signal)), others);
  const { root, platform } = await chosen(source, wanted, options);
  return await destination.write(source, root, { ...others, ...(platform !== undefined && { platform }) });
}

async function chosen(
  source: RootedImageSource,
  wanted: Platform,
  { signal, onWarning }: CopyImageOptions,
): Promise<{ readonly root: ImageRoot; readonly platform: Platform | undefined }> {
  const options: ResolveOptions = { ...signalOf(signal), ...(onWarning !== undefined && { onWarning }), platform: wanted };
  const { descriptor, raw, platform } = await source.resolve(options);
  return { root: { descriptor, raw }, platform };
}

/** How both ends of a copy are opened. */
export interface CopyReferenceOptions extends CopyImageOptions {
  readonly from?: OpenImageSourceOptions;
  readonly to?: OpenImageDestinationOptions;
}

/**
 * {@link copyImage} between two references, such as `docker://alpine` and `oci:layout:alpine`.
 *
 * @throws {OciRefError} {ImageSourceError} UNSUPPORTED_TRANSPORT, UNSUPPORTED_DESTINATION, before anything is opened for writing
 */
export async function copyReference(
  from: string | ImageReference,
  to: string | ImageReference,
  options: CopyReferenceOptions = {},
): Promise<WrittenImage> {
  const { from: sourceOptions = {}, to: destinationOptions = {}, ...copyOptions } = options;
  const { foreignLayers } = copyOptions;
  const destination = openImageDestination(to, destinationOptions);
  try {
    const source = await openImageSource(from, { ...(foreignLayers !== undefined && { foreignLayers }), ...sourceOptions });
    try {
      return await copyImage(source, destination, copyOptions);
    } finally {
      await source.close?.();
    }
  } finally {
    await destination.close();
  }
}
