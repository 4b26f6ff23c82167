import { digestAlgorithm, type Descriptor } from '@cfskit/oci-spec';
import { openOciLayoutWriter } from '@cfskit/ocidir';
import { nullReporter, safeReporter } from '@cfskit/progress';
import { layoutSink } from './blob-sink.ts';
import { newestFirst, type DownloadImageOptions } from './download-image.ts';
import { fetchBlobs, type FetchBlobsTask } from './fetch-blobs.ts';
import { FetchState } from './fetch-progress.ts';
import type { ResolvedImage } from './resolved-image.ts';
import { placesOf, signalOf } from './rooted-source.ts';

/** How an image is fetched into a layout. */
export interface FetchToLayoutOptions extends DownloadImageOptions {
  /** Of the layout's entry; if not said, the image's own. */
  readonly tag?: string;
  /** The manifest, and nothing that it names. */
  readonly manifestOnly?: boolean;
}

/** What is in the layout now. */
export interface FetchedLayout {
  /** The entry of the layout's index. */
  readonly descriptor: Descriptor;
  readonly configDigest: string;
  /** Layers of the image. */
  readonly layers: number;
  /** Bytes of config and layers that came now. */
  readonly bytesFetched: number;
  /** Those that were there. */
  readonly bytesPresent: number;
}

/**
 * Fetch an image into an OCI layout, which is made if need be: config, layers, manifest, and at the end the entry with its tag. Blobs that
 * are there are hashed, and fetched again if they are wrong; an interrupted fetch, even one that was killed, goes on where it was.
 *
 * @throws what the source throws {VerifyError} {OciDirError}
 */
export async function fetchImageToLayout(
  image: ResolvedImage,
  directory: string,
  options: FetchToLayoutOptions = {},
): Promise<FetchedLayout> {
  const { jobs = 3, reporter = nullReporter, onWarning, signal, manifestOnly = false, tag = image.tag } = options;
  const { config, layers } = image.manifest.item;
  const state = new FetchState(options.onProgress);
  state.setLayers(layers);
  const writer = await openOciLayoutWriter(directory);
  state.enter('layer-download');
  const task: FetchBlobsTask = {
    sink: layoutSink(writer),
    blobs: manifestOnly ? [] : newestFirst([...layers, config]),
    places: placesOf(image.source),
    jobs,
    reporter: state.reporter(safeReporter(reporter)),
    onWarning,
    signal,
  };
  const { bytesFetched, bytesPresent } = await fetchBlobs(task);
  const descriptor = await writer.putManifest(image.manifest.raw, {
    mediaType: image.descriptor.mediaType,
    algorithm: digestAlgorithm(image.digest),
    withoutBlobs: manifestOnly,
    ...(tag !== undefined && { tag }),
    ...(image.platform !== undefined && { platform: image.platform }),
    ...signalOf(signal),
  });
  state.enter('complete');
  return { descriptor, configDigest: config.digest, layers: layers.length, bytesFetched, bytesPresent };
}
