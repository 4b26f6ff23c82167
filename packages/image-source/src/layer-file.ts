import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { decode, detectFormat, type CompressionFormat, type DecodeLimits } from '@cfskit/compression';
import { layerFormat, verified, type Descriptor } from '@cfskit/oci-spec';
import type { TarLimits } from '@cfskit/tar-split';
import { ImageSourceError } from './errors.ts';
import type { BlobOrigin } from './fetch-blob.ts';
import { layerEntries, type LayerEntry } from './layer-entries.ts';
import { signalOf } from './rooted-source.ts';

/** How a layer is unpacked. */
export interface DecompressOptions {
  /** Against bombs; see `@cfskit/compression`. */
  readonly limits?: DecodeLimits;
  /** Told if the layer is not packed as its media type says. */
  readonly onWarning?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** A layer's tar, in chunks of about 1 MiB that belong to the consumer. */
export interface DecompressedLayer extends AsyncIterable<Uint8Array> {
  /** Bytes of the compressed file that have been read so far: with the descriptor's size, how far it has come. */
  readonly position: number;
}

/** How the entries of a layer are read. */
export interface LayerEntriesOptions extends DecompressOptions {
  readonly tarLimits?: TarLimits;
}

/** What a layer in a file is. */
export interface LayerFileInit {
  readonly descriptor: Descriptor;
  readonly diffId?: string;
  readonly path: string;
  readonly origin: BlobOrigin;
}

const READ_SIZE = 512 * 1024;
const MAGIC_LENGTH = 4;

/** A layer of an image, in a file. */
export class LayerFile {
  readonly descriptor: Descriptor;
  /** Digest of the uncompressed tar; artifacts have none. */
  readonly diffId: string | undefined;
  readonly path: string;
  /** Where it came from. */
  readonly origin: BlobOrigin;

  constructor({ descriptor, diffId, path, origin }: LayerFileInit) {
    this.descriptor = descriptor;
    this.diffId = diffId;
    this.path = path;
    this.origin = origin;
  }

  /** Of the file's bytes. */
  get digest(): string {
    return this.descriptor.digest;
  }

  /**
   * How the media type says that the tar is packed.
   *
   * @throws {ImageSourceError} UNSUPPORTED_LAYER: it is no tar, or encrypted
   */
  get compression(): CompressionFormat {
    const format = layerFormat(this.descriptor.mediaType);
    if (format.kind === 'tar') return format.compression;
    const { mediaType, digest } = this.descriptor;
    const what = format.kind === 'encrypted' ? 'an encrypted layer' : 'a layer with unknown media type';
    throw new ImageSourceError('UNSUPPORTED_LAYER', this.path, `found ${what}: ${mediaType}, ${digest}`, { digest });
  }

  /** The bytes of the file as they are. They were checked when it was fetched. */
  read(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<Uint8Array> {
    return createReadStream(this.path, { highWaterMark: READ_SIZE, ...options });
  }

  /**
   * The uncompressed tar: every gzip member, every zstd frame. At its end it has been compared with the `diffId`; whoever stops before has
   * no verdict. A file that is packed otherwise than its media type says is unpacked as it is, with a warning.
   *
   * @throws {ImageSourceError} UNSUPPORTED_LAYER; while iterating {CompressionError} {VerifyError} DIGEST_MISMATCH
   */
  decompress(options: DecompressOptions = {}): DecompressedLayer {
    const { compression } = this;
    const progress = { position: 0 };
    const tar = this.#tar(compression, options, progress);
    const chunks = this.diffId === undefined ? tar : verified(tar, { digest: this.diffId });
    return {
      [Symbol.asyncIterator]: () => chunks,
      get position() {
        return progress.position;
      },
    };
  }

  /**
   * The entries of the tar, with their contents. When the loop has run to its end the tar has been compared with the `diffId`.
   *
   * @throws as {@link LayerFile.decompress}, and {TarSplitError}
   */
  entries(options: LayerEntriesOptions = {}): AsyncIterable<LayerEntry> {
    return layerEntries(this.decompress(options), options.tarLimits);
  }

  async *#tar(said: CompressionFormat, options: DecompressOptions, progress: { position: number }): AsyncGenerator<Uint8Array, void> {
    const { limits, signal } = options;
    const format = await this.#format(said, options);
    yield* decode(this.#counted(progress, signal), { format, ...(limits !== undefined && { limits }), ...signalOf(signal) });
  }

  async #format(said: CompressionFormat, { onWarning }: DecompressOptions): Promise<CompressionFormat> {
    const found = detectFormat(await this.#head());
    if (found !== said) onWarning?.(`the media type of layer ${this.digest} says ${said}, its content is ${found}`);
    return found;
  }

  async #head(): Promise<Uint8Array> {
    const file = await open(this.path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(MAGIC_LENGTH), 0, MAGIC_LENGTH, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  async *#counted(progress: { position: number }, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of this.read(signalOf(signal))) {
      progress.position += chunk.byteLength;
      yield chunk;
    }
  }
}
