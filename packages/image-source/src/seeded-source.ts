import { formatRegistryName, type RegistryName } from '@cfskit/oci-ref';
import type { Descriptor, OpenOptions, ResolvedManifest, ResolveOptions } from '@cfskit/oci-spec';
import type { ImageRoot, RootOptions } from '@cfskit/ocidir';
import { ImageSourceError } from './errors.ts';
import type { BlobPlace, RootedImageSource } from './rooted-source.ts';
import type { Seeds } from './seed.ts';

/** An image that is looked for in seeds first. */
export interface SeededSourceOptions {
  readonly name: RegistryName;
  readonly seeds: Seeds;
  /** Where it is looked for then; without one what is not in the seeds is an error. */
  readonly origin?: RootedImageSource;
}

/**
 * A source that takes manifests, configs and layers from seeds, one by one, and from its origin what they do not have. What a seed gives
 * has been checked before the first byte is given out, so that a seed with damaged blobs costs a warning and no more.
 */
export function seededSource(options: SeededSourceOptions): RootedImageSource {
  return new SeededSource(options);
}

class SeededSource implements RootedImageSource {
  readonly #name: RegistryName;
  readonly #seeds: Seeds;
  readonly #origin: RootedImageSource | undefined;

  constructor({ name, seeds, origin }: SeededSourceOptions) {
    this.#name = name;
    this.#seeds = seeds;
    this.#origin = origin;
  }

  describe(): string {
    return this.#origin?.describe() ?? `docker://${formatRegistryName(this.#name)}`;
  }

  async resolve(options: ResolveOptions = {}): Promise<ResolvedManifest> {
    options.signal?.throwIfAborted();
    const name = options.tag === undefined ? this.#name : withTag(this.#name, options.tag);
    const reasons: string[] = [];
    const found = await this.#seeds.find(name, options, (reason) => reasons.push(reason));
    if (found !== undefined) return found.resolved;
    if (this.#origin === undefined) throw this.#offline([`the manifest of ${formatRegistryName(name)}`, ...reasons].join('; '));
    return await this.#origin.resolve(options);
  }

  /** Of the origin: a seed may have a part of an index only. */
  async resolveRoot(options: RootOptions = {}): Promise<ImageRoot> {
    if (this.#origin !== undefined) return await this.#origin.resolveRoot(options);
    const { descriptor, raw } = await this.resolve({ ...options });
    return { descriptor, raw };
  }

  async *open(descriptor: Descriptor, options: OpenOptions = {}): AsyncGenerator<Uint8Array, void> {
    options.signal?.throwIfAborted();
    const holder = (await this.#seeds.holderOf(descriptor, options)) ?? this.#origin;
    if (holder === undefined) throw this.#offline(`the blob ${descriptor.digest}`, descriptor.digest);
    yield* holder.open(descriptor, options);
  }

  places(): readonly BlobPlace[] {
    const seeds = this.#seeds.sources.map((source): BlobPlace => ({ origin: 'seed', source }));
    const last = this.#origin ?? { describe: () => this.describe(), open: (descriptor: Descriptor) => this.#missing(descriptor) };
    return [...seeds, { origin: 'source', source: last }];
  }

  async close(): Promise<void> {
    await this.#origin?.close?.();
  }

  // oxlint-disable-next-line require-yield -- the error of the first chunk
  async *#missing({ digest }: Descriptor): AsyncGenerator<Uint8Array, void> {
    throw await Promise.resolve(this.#offline(`the blob ${digest}`, digest));
  }

  #offline(what: string, digest?: string): ImageSourceError {
    const message = `in none of the seeds, and the network may not be asked: ${what}`;
    return new ImageSourceError('OFFLINE', this.describe(), message, digest === undefined ? {} : { digest });
  }
}

function withTag({ hostname, port, name }: RegistryName, tag: string): RegistryName {
  return { hostname, ...(port !== undefined && { port }), name, tag };
}
