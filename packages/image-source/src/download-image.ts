import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { loadImage, type Descriptor, type ImageConfig, type ImageSource, type OpenOptions } from '@cfskit/oci-spec';
import { nullReporter, safeReporter, type Reporter } from '@cfskit/progress';
import { fetchBlobs } from './fetch-blobs.ts';
import { FetchState, type OnFetchProgress } from './fetch-progress.ts';
import { layerDirectory, layerFileName } from './layer-directory.ts';
import { LayerFile } from './layer-file.ts';
import type { Document, ResolvedImage } from './resolved-image.ts';
import { placesOf, signalOf } from './rooted-source.ts';

/** How an image is downloaded. */
export interface DownloadImageOptions extends OpenOptions {
  /** Layers at the same time; 3 if not said. */
  readonly jobs?: number;
  /** Told of a `plan`, and of each layer under its digest. */
  readonly reporter?: Reporter;
  readonly onProgress?: OnFetchProgress;
  readonly onWarning?: (text: string) => void;
}

/** An image whose layers are files. */
export interface LocalImage {
  readonly image: ResolvedImage;
  /** The config's bytes; `item` is absent where this is an artifact. */
  readonly config: Pick<Document<ImageConfig>, 'raw'> & Partial<Pick<Document<ImageConfig>, 'item'>>;
  /** Bottom first, as in the manifest. */
  readonly layers: readonly LayerFile[];
  /** Bytes of layers that came now. */
  readonly bytesFetched: number;
  /** Bytes of layers that were there. */
  readonly bytesPresent: number;
}

/**
 * Fetch config and layers of an image. Each layer becomes a file `sha256-<hex>.layer` in the directory, checked; one that is there and right
 * is used, an interrupted one goes on. The newest layers come first. A failure stops the others at once, and keeps what is complete.
 *
 * @throws what the source throws {VerifyError} {OciSpecError} LAYER_COUNT
 */
export async function downloadImage(image: ResolvedImage, directory: string, options: DownloadImageOptions = {}): Promise<LocalImage> {
  const { jobs = 3, reporter = nullReporter, onProgress, onWarning, signal } = options;
  const state = new FetchState(onProgress);
  state.setLayers(image.manifest.item.layers);
  state.enter('config-download');
  const { config, configRaw, layers } = await loadImage(withoutResolving(image), signalOf(signal));
  state.enter('layer-download');
  await mkdir(directory, { recursive: true });
  const fetched = await fetchBlobs({
    sink: layerDirectory(directory),
    blobs: newestFirst(layers.map(({ descriptor }) => descriptor)),
    places: placesOf(image.source),
    jobs,
    reporter: state.reporter(safeReporter(reporter)),
    onWarning,
    signal,
  });
  state.enter('complete');
  return {
    image,
    config: { raw: configRaw, ...(config !== undefined && { item: config }) },
    layers: layers.map(({ descriptor, diffId }) => {
      const path = join(directory, layerFileName(descriptor.digest));
      return new LayerFile({
        descriptor,
        path,
        origin: fetched.origins.get(descriptor.digest) ?? 'source',
        ...(diffId !== undefined && { diffId }),
      });
    }),
    bytesFetched: fetched.bytesFetched,
    bytesPresent: fetched.bytesPresent,
  };
}

/** Each layer once. */
export function newestFirst(layers: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(layers.toReversed().map((layer) => [layer.digest, layer])).values()];
}

/** The source, with the manifest that has been chosen already. */
function withoutResolving({ source, descriptor, manifest }: ResolvedImage): ImageSource {
  return {
    describe: () => source.describe(),
    resolve: () => Promise.resolve({ descriptor, raw: manifest.raw }),
    open: (blob, options) => source.open(blob, options),
  };
}
