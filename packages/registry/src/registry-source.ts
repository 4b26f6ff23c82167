import { formatRegistryName, type RegistryName } from '@cfskit/oci-ref';
import {
  chooseManifest,
  formatPlatform,
  isImageConfig,
  isIndex,
  isManifest,
  matchesPlatform,
  nativePlatform,
  OciSpecError,
  parseImageConfig,
  parseManifest,
  readBlob,
  type Descriptor,
  type ImageSource,
  type OpenOptions,
  type Platform,
  type ResolvedManifest,
  type ResolveOptions,
} from '@cfskit/oci-spec';
import { RegistryError } from './errors.ts';
import { oneLine } from './foreign-text.ts';
import type { FetchedManifest } from './manifest.ts';

const MAX_LISTED = 10;

/** What a {@link RegistrySource} needs of a client. */
export interface RegistryReader {
  fetchManifest(name: RegistryName, options: OpenOptions): Promise<FetchedManifest>;
  openBlob(name: RegistryName, descriptor: Descriptor, options: OpenOptions): AsyncIterable<Uint8Array>;
  listTags(name: RegistryName, options: OpenOptions): AsyncIterable<string>;
}

/** What the tag led to, and what was chosen from it. */
export interface ResolvedImage extends ResolvedManifest {
  /** The index, where the tag led to one. */
  readonly index?: Extract<FetchedManifest, { readonly kind: 'index' }>;
}

/** One repository of a registry as an {@link ImageSource}. Made by `RegistryClient.source`. */
export class RegistrySource implements ImageSource {
  readonly name: RegistryName;
  readonly #reader: RegistryReader;
  /** The documents that `resolve` has read and that loading the image asks for again. */
  #documents: ReadonlyMap<string, Uint8Array> = new Map();

  constructor(reader: RegistryReader, name: RegistryName) {
    this.#reader = reader;
    this.name = name;
  }

  /** `docker://docker.io/library/alpine:3.19`. */
  describe(): string {
    return `docker://${formatRegistryName(this.name)}`;
  }

  /**
   * Fetch the manifest of a tag, or choose one by platform from its index. Without a tag that of the name counts, and its digest before that; without both
   * `latest`. A single image that is not for the platform asked for is refused; where none was asked for it is taken, with a warning
   * if it is not for this machine.
   *
   * @throws {RegistryError} {OciSpecError} NO_MATCH, NESTED_INDEX, … {VerifyError}
   */
  async resolve(options: ResolveOptions = {}): Promise<ResolvedImage> {
    const { tag, signal } = options;
    signal?.throwIfAborted();
    const fetched = await this.fetch({ ...(tag !== undefined && { tag }), ...signalOf(signal) });
    const documents = new Map([[fetched.descriptor.digest, fetched.raw]]);
    const resolved =
      fetched.kind === 'index' ? await this.#choose(fetched, documents, options) : await this.#single(fetched, documents, options);
    this.#documents = documentsOf(resolved, documents);
    return resolved;
  }

  /**
   * What a tag stands for, or the name, before any choice by platform: a manifest or an index. If there is none, the error lists tags that there are.
   *
   * @throws {RegistryError} {VerifyError} {OciSpecError}
   */
  async fetch({ tag, signal }: Pick<ResolveOptions, 'tag' | 'signal'> = {}): Promise<FetchedManifest> {
    return await this.#fetch(tag === undefined ? pick(this.name) : tagOrDigest(tag), signal);
  }

  /**
   * The bytes of a blob, unverified, with retries and resumption; manifests and indexes are known by their media type, and checked.
   *
   * @throws {RegistryError} at the first chunk
   */
  open(descriptor: Descriptor, options: OpenOptions = {}): AsyncIterable<Uint8Array> {
    const document = this.#documents.get(descriptor.digest);
    if (document !== undefined && document.byteLength === descriptor.size) return once(document, options.signal);
    if (isManifest(descriptor.mediaType) || isIndex(descriptor.mediaType)) return this.#manifestBytes(descriptor, options);
    return this.#reader.openBlob(this.name, descriptor, options);
  }

  /** Nothing: connections belong to the client. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  async #fetch(reference: Reference, signal: AbortSignal | undefined): Promise<FetchedManifest> {
    const { hostname, port, name } = this.name;
    const wanted = { hostname, ...(port !== undefined && { port }), name, ...reference };
    try {
      return await this.#reader.fetchManifest(wanted, signalOf(signal));
    } catch (error) {
      if (!(error instanceof RegistryError) || error.code !== 'MANIFEST_UNKNOWN' || reference.tag === undefined) throw error;
      throw await this.#unknownTag(error, signal);
    }
  }

  /** The error with the tags there are, if the registry tells them. */
  async #unknownTag(error: RegistryError, signal: AbortSignal | undefined): Promise<RegistryError> {
    const tags: string[] = [];
    try {
      for await (const tag of this.#reader.listTags(this.name, signalOf(signal))) {
        if (tags.push(tag) > MAX_LISTED) break;
      }
    } catch {
      signal?.throwIfAborted();
      return error; // the first error is what matters
    }
    const { registry, repository, url, status, errors } = error;
    const listed = `${tags.slice(0, MAX_LISTED).map(oneLine).join(', ')}${tags.length > MAX_LISTED ? ', ...' : ''}`;
    const place = Object.fromEntries(
      Object.entries({ registry, repository, url, status, errors }).filter(([, value]) => value !== undefined),
    );
    return new RegistryError('MANIFEST_UNKNOWN', `${error.message}; available: ${listed === '' ? '(no tags)' : listed}`, {
      ...place,
      cause: error,
    });
  }

  async #choose(
    fetched: Extract<FetchedManifest, { readonly kind: 'index' }>,
    documents: Map<string, Uint8Array>,
    options: ResolveOptions,
  ): Promise<ResolvedImage> {
    const platform = options.platform ?? nativePlatform(process);
    const chosen = await chooseManifest(fetched.index, this.#remembering(documents), { ...signalOf(options.signal), platform });
    return { ...chosen, indexDigest: fetched.descriptor.digest, index: fetched };
  }

  async #single(
    fetched: Extract<FetchedManifest, { readonly kind: 'manifest' }>,
    documents: Map<string, Uint8Array>,
    options: ResolveOptions,
  ): Promise<ResolvedImage> {
    const { descriptor, raw, manifest } = fetched;
    if (!isImageConfig(manifest.config.mediaType)) return { descriptor, raw };
    const bytes = await readBlob(this.#remembering(documents), manifest.config, signalOf(options.signal));
    const { os, architecture, variant } = parseImageConfig(bytes);
    const platform = { os, architecture, ...(variant !== undefined && { variant }) };
    this.#checkPlatform(platform, descriptor, options);
    return { descriptor, raw, platform };
  }

  #checkPlatform(found: Platform, { digest }: Descriptor, { platform: wanted, onWarning }: ResolveOptions): void {
    if (matchesPlatform(wanted ?? nativePlatform(process), found)) return;
    if (wanted === undefined) {
      onWarning?.(`${this.describe()} is an image for ${formatPlatform(found)} alone`);
      return;
    }
    const message = `No manifest found for platform ${formatPlatform(wanted)}; available: ${formatPlatform(found)}`;
    throw new OciSpecError('NO_MATCH', message, { digest });
  }

  #remembering(documents: Map<string, Uint8Array>): Pick<ImageSource, 'open'> {
    const remember = async function* (source: AsyncIterable<Uint8Array>, { digest, size }: Descriptor): AsyncGenerator<Uint8Array, void> {
      const chunks: Uint8Array[] = [];
      for await (const chunk of source) {
        chunks.push(chunk.slice());
        yield chunk;
      }
      const bytes = new Uint8Array(Buffer.concat(chunks));
      if (bytes.byteLength === size) documents.set(digest, bytes);
    };
    return { open: (descriptor, options) => remember(this.open(descriptor, options), descriptor) };
  }

  async *#manifestBytes(descriptor: Descriptor, { signal }: OpenOptions): AsyncGenerator<Uint8Array, void> {
    const fetched = await this.#fetch({ digest: descriptor.digest }, signal);
    const found = fetched.descriptor.mediaType;
    if (found !== descriptor.mediaType) {
      const message = `${descriptor.digest} was announced as ${descriptor.mediaType}, but is a ${found}`;
      throw new RegistryError('MEDIA_TYPE_MISMATCH', message, { digest: descriptor.digest });
    }
    yield fetched.raw.slice();
  }
}

type Reference = Pick<RegistryName, 'tag' | 'digest'>;

function pick({ tag = 'latest', digest }: RegistryName): Reference {
  return digest === undefined ? { tag } : { digest };
}

function tagOrDigest(text: string): Reference {
  return text.includes(':') ? { digest: text } : { tag: text };
}

/** Only what belongs to the image that was chosen is kept. */
function documentsOf({ descriptor, raw }: ResolvedManifest, documents: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> {
  const kept = new Map([[descriptor.digest, raw]]);
  const { digest } = parseManifest(raw).config;
  const config = documents.get(digest);
  return config === undefined ? kept : kept.set(digest, config);
}

async function* once(bytes: Uint8Array, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void> {
  signal?.throwIfAborted();
  yield await Promise.resolve(bytes.slice());
  signal?.throwIfAborted();
}

function signalOf(signal: AbortSignal | undefined): OpenOptions {
  return signal === undefined ? {} : { signal };
}
