import { REF_NAME_ANNOTATION, type Descriptor } from '../descriptor.ts';
import { digestOf } from '../digest.ts';
import { mediaTypes } from '../media-type.ts';
import type { Platform } from '../platform.ts';

/** What a layout holds, in memory: the bytes of its `index.json` and its blobs by digest. */
export interface SourceContent {
  readonly index: Uint8Array;
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

/** A layer to be put into an image. */
export interface LayerContent {
  /** As stored, that is compressed if `mediaType` says so. */
  readonly bytes: Uint8Array;
  /** An uncompressed tar if not said. */
  readonly mediaType?: string;
  /** The digest of `bytes` if not said, which is right for uncompressed layers. */
  readonly diffId?: string;
}

/** Which tag and platform an entry of the index has. */
export interface EntryOptions {
  readonly tag?: string;
  readonly platform?: Platform;
}

/** Builds small layouts for tests: blobs, images, artifacts and indexes, with right digests and sizes. */
export class LayoutBuilder {
  readonly #blobs = new Map<string, Uint8Array>();
  readonly #entries: Descriptor[] = [];

  /** Store a blob as it is. */
  blob(bytes: Uint8Array, mediaType: string = 'application/octet-stream'): Descriptor {
    const digest = digestOf(bytes);
    this.#blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.byteLength };
  }

  /** Store a value as JSON; members come in the order they have. */
  json(value: unknown, mediaType: string): Descriptor {
    return this.blob(new TextEncoder().encode(JSON.stringify(value)), mediaType);
  }

  /** Store layers, config and manifest of a container image and return the descriptor of the manifest. */
  image(layers: readonly LayerContent[], platform: Platform = { architecture: 'amd64', os: 'linux' }): Descriptor {
    const descriptors = layers.map(({ bytes, mediaType }) => this.blob(bytes, mediaType ?? mediaTypes.layer));
    const diff_ids = layers.map(({ diffId }, i) => diffId ?? descriptors[i]!.digest);
    return this.manifest(this.json({ ...platform, config: {}, rootfs: { type: 'layers', diff_ids } }, mediaTypes.config), descriptors);
  }

  /** Store a manifest. `more` is added to it: `artifactType`, `subject`, `annotations`. */
  manifest(config: Descriptor, layers: readonly Descriptor[], more: Readonly<Record<string, unknown>> = {}): Descriptor {
    return this.json({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers, ...more }, mediaTypes.manifest);
  }

  /** Store an index and return its descriptor. */
  index(manifests: readonly Descriptor[]): Descriptor {
    return this.json({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }, mediaTypes.index);
  }

  /** Append an entry to the layout's own index. */
  add(descriptor: Descriptor, { tag, platform }: EntryOptions = {}): this {
    const annotations = tag === undefined ? descriptor.annotations : { ...descriptor.annotations, [REF_NAME_ANNOTATION]: tag };
    this.#entries.push({ ...descriptor, ...(platform !== undefined && { platform }), ...(annotations !== undefined && { annotations }) });
    return this;
  }

  /** What has been built so far; later additions do not change it. */
  content(): SourceContent {
    const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: this.#entries };
    return { index: new TextEncoder().encode(JSON.stringify(index)), blobs: new Map(this.#blobs) };
  }
}
