import { digestAlgorithm, type Descriptor } from '@cfskit/oci-spec';
import type { ImageRoot } from '@cfskit/ocidir';
import { nullReporter } from '@cfskit/progress';
import type { BlobSink } from './blob-sink.ts';
import { fetchBlobs } from './fetch-blobs.ts';
import type { ImageDestination, WriteImageOptions, WrittenImage } from './image-destination.ts';
import { readImageTree } from './image-tree.ts';
import { placesOf, signalOf, type RootedImageSource } from './rooted-source.ts';

/** A layout, archive or directory, to be written to. */
export class SinkDestination implements ImageDestination {
  readonly #text: string;
  readonly #tag: string | undefined;
  readonly #openSink: () => Promise<BlobSink>;

  constructor(text: string, tag: string | undefined, openSink: () => Promise<BlobSink>) {
    this.#text = text;
    this.#tag = tag;
    this.#openSink = openSink;
  }

  describe(): string {
    return this.#text.replaceAll(/\p{Cc}/gu, '?');
  }

  async write(source: RootedImageSource, root: ImageRoot, options: WriteImageOptions = {}): Promise<WrittenImage> {
    const { signal, foreignLayers = false } = options;
    const tree = await readImageTree(source, root, { ...signalOf(signal), foreignLayers });
    const sink = await this.#openSink();
    try {
      const { reporter = nullReporter, jobs = 3, onWarning } = options;
      const fetched = await fetchBlobs({ sink, blobs: tree.blobs, places: placesOf(source), jobs, reporter, onWarning, signal });
      for (const { descriptor, raw } of tree.children) await sink.putBlob(descriptor, raw, signal);
      const descriptor = await this.#putRoot(sink, root, options);
      await sink.finish();
      return {
        descriptor,
        blobsCopied: tree.blobs.length - fetched.blobsPresent,
        blobsMounted: 0,
        blobsPresent: fetched.blobsPresent,
        bytesCopied: fetched.bytesFetched,
      };
    } catch (error) {
      await sink.abort();
      throw error;
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #putRoot(sink: BlobSink, { descriptor, raw }: ImageRoot, { platform, signal }: WriteImageOptions): Promise<Descriptor> {
    const { mediaType, digest, size } = descriptor;
    await sink.putManifest(raw, {
      mediaType,
      algorithm: digestAlgorithm(digest),
      ...(this.#tag !== undefined && { tag: this.#tag }),
      ...(platform !== undefined && { platform }),
      ...signalOf(signal),
    });
    return { mediaType, digest, size };
  }
}
