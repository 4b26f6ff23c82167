import { formatRegistryName, parseRegistryName, registryOf, type RegistryName } from '@cfskit/oci-ref';
import type { ImageRoot } from '@cfskit/ocidir';
import { RegistryClient, type PushImageOptions } from '@cfskit/registry';
import type { ImageDestination, WriteImageOptions, WrittenImage } from './image-destination.ts';
import type { RegistryAccess } from './registry-access.ts';
import { RegistryImage } from './registry-image.ts';
import type { RootedImageSource } from './rooted-source.ts';

/** A name in a registry, to be pushed to. */
export class RegistryDestination implements ImageDestination {
  readonly #name: RegistryName;
  readonly #client: RegistryClient;
  readonly #ownsClient: boolean;

  /** @throws {OciRefError} for what is no name of an image */
  constructor(name: string, access: RegistryAccess) {
    this.#name = parseRegistryName(name);
    this.#ownsClient = access.client === undefined;
    this.#client = access.client ?? new RegistryClient(access.registry);
  }

  describe(): string {
    return `docker://${formatRegistryName(this.#name)}`;
  }

  async write(source: RootedImageSource, root: ImageRoot, options: WriteImageOptions = {}): Promise<WrittenImage> {
    const { jobs, reporter, signal } = options;
    const pushOptions: PushImageOptions = {
      ...(jobs !== undefined && { jobs }),
      ...(reporter !== undefined && { reporter }),
      ...(signal !== undefined && { signal }),
      mountFrom: this.#mountFrom(source),
    };
    const { tag, digest } = this.#name;
    const name = tag === undefined && digest === undefined ? { ...this.#name, tag: 'latest' } : this.#name;
    const pushed = await this.#client.pushImage(name, source, root, pushOptions);
    const { mediaType, digest: stored, size } = pushed.descriptor;
    return {
      descriptor: { mediaType, digest: stored, size },
      blobsCopied: pushed.blobsPushed,
      blobsMounted: pushed.blobsMounted,
      blobsPresent: pushed.blobsPresent,
      bytesCopied: pushed.bytesPushed,
    };
  }

  async close(): Promise<void> {
    if (this.#ownsClient) await this.#client.close();
  }

  /** Another repository of the same registry may have the blobs already. */
  #mountFrom(source: RootedImageSource): readonly string[] {
    if (!(source instanceof RegistryImage)) return [];
    const { name } = source;
    return registryOf(name) === registryOf(this.#name) && name.name !== this.#name.name ? [name.name] : [];
  }
}
