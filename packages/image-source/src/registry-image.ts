import { formatRegistryName, parseRegistryName, type RegistryName } from '@cfskit/oci-ref';
import { isImageConfig, type Descriptor, type OpenOptions, type ResolvedManifest, type ResolveOptions } from '@cfskit/oci-spec';
import type { ImageRoot, RootOptions } from '@cfskit/ocidir';
import { RegistryClient, type RegistrySource } from '@cfskit/registry';
import type { RegistryAccess } from './registry-access.ts';
import { signalOf, type RootedImageSource } from './rooted-source.ts';

/** An image in a registry. */
export class RegistryImage implements RootedImageSource {
  readonly name: RegistryName;
  readonly #client: RegistryClient;
  readonly #ownsClient: boolean;
  readonly #source: RegistrySource;

  /** @throws {OciRefError} for what is no name of an image */
  constructor(name: string | RegistryName, access: RegistryAccess) {
    this.name = parseRegistryName(typeof name === 'string' ? name : formatRegistryName(name));
    this.#ownsClient = access.client === undefined;
    this.#client = access.client ?? new RegistryClient(access.registry);
    this.#source = this.#client.source(this.name);
  }

  describe(): string {
    return this.#source.describe();
  }

  async resolve(options: ResolveOptions = {}): Promise<ResolvedManifest> {
    const { descriptor, raw, indexDigest, platform } = await this.#source.resolve(options);
    return { descriptor, raw, ...(indexDigest !== undefined && { indexDigest }), ...(platform !== undefined && { platform }) };
  }

  async resolveRoot({ tag, signal }: RootOptions = {}): Promise<ImageRoot> {
    const { descriptor, raw } = await this.#source.fetch({ ...(tag !== undefined && { tag }), ...signalOf(signal) });
    return { descriptor, raw };
  }

  open(descriptor: Descriptor, options: OpenOptions = {}): AsyncIterable<Uint8Array> {
    return this.#source.open(descriptor, options);
  }

  openFrom(descriptor: Descriptor, start: number, options: OpenOptions = {}): AsyncIterable<Uint8Array> {
    if (start === 0 && isImageConfig(descriptor.mediaType)) return this.open(descriptor, options); // it is known since `resolve`
    return this.#client.openBlobRange(this.name, descriptor, { ...options, start, inPieces: true });
  }

  async close(): Promise<void> {
    if (this.#ownsClient) await this.#client.close();
  }
}
