import { manifestReferenceOf, type RegistryName } from '@cfskit/oci-ref';
import { parseDigest, verified, type Descriptor, type ImageSource, type OpenOptions } from '@cfskit/oci-spec';
import { countingStream, type Reporter } from '@cfskit/progress';
import { blobStream, type BlobRequest } from './blob-stream.ts';
import { defaultCertDirs, tlsSettingsFor, type TlsSettings } from './certificates.ts';
import { systemClock, type Clock } from './clock.ts';
import type { CredentialProvider } from './credentials.ts';
import { credentialFiles } from './credential-files.ts';
import { downloadFile, type Download, type DownloadOptions } from './download.ts';
import { endpointsOf, originOf, parseRegistry, registryOfHost, toName, wholeRegistry, type Endpoint, type NameInput } from './endpoint.ts';
import { RegistryError } from './errors.ts';
import type { Transport } from './http.ts';
import { fetchManifest, headManifest, type FetchedManifest } from './manifest.ts';
import { authenticate, ping, type Ping } from './ping.ts';
import { proxyFor, type Environment } from './proxy.ts';
import { pushArtifact, type Artifact, type PushArtifactOptions } from './push-artifact.ts';
import { pushImage, type ImageRoot, type PushedImage, type PushImageOptions } from './push-image.ts';
import { pushManifest, type PushManifestOptions } from './push-manifest.ts';
import { listReferrers, type ListReferrersOptions } from './referrers.ts';
import { optionsOf, type RegistryOptions, type RegistryTable } from './registry-options.ts';
import { RegistrySource } from './registry-source.ts';
import type { RetryPolicy } from './retry.ts';
import { Session } from './session.ts';
import { listTags, type ListTagsOptions } from './tags.ts';
import { UndiciTransport, type Timeouts } from './undici-transport.ts';
import { hasBlob } from './has-blob.ts';
import { pushBlob, type BlobOutcome, type PushBlobOptions } from './upload.ts';
import type { BlobContent } from './upload-source.ts';

/** How a client works. Everything has a default. */
export interface RegistryClientOptions {
  /** Where logins come from. If not said: the files and helper programs of containers' tools and Docker, see `credentialFiles`. */
  readonly credentials?: CredentialProvider;
  /** By `host[:port]`; Docker Hub is `docker.io`. */
  readonly registries?: Readonly<Record<string, RegistryOptions>>;
  /**
   * For all registries, unless `registries` says otherwise. A client certificate is only for registries that are named in a call: not for
   * mirrors, nor for other hosts that a registry leads to.
   */
  readonly defaults?: RegistryOptions;
  /** Directories that hold a directory of certificates for each `host[:port]`. If not said: those of containers' tools and Docker. */
  readonly certDirs?: readonly string[];
  /** Fetch layers that descriptors give `urls` for from there, without credentials, when the registry does not have them. */
  readonly foreignLayers?: boolean;
  readonly retry?: RetryPolicy;
  readonly timeouts?: Timeouts;
  /** For `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY` and the places of credential files; `process.env` if not said. */
  readonly env?: Environment;
  readonly userAgent?: string;
  /** Told, in a sentence, of what went wrong and is being done otherwise: a try that failed, a mirror that was passed over. */
  readonly onWarning?: (text: string) => void;
  /** In place of undici. `certDirs`, TLS options, proxies and timeouts are then its own business. */
  readonly transport?: Transport;
  readonly clock?: Clock;
  /** From 0 to 1; `Math.random` if not said. */
  readonly random?: () => number;
}

/** A part of a blob, half-open. */
export interface BlobRange extends OpenOptions {
  readonly start: number;
  /** The blob's size if not said. */
  readonly end?: number;
  /**
   * Hand out what comes from the network as it comes, in pieces of any size, each of them good only until the next one is asked for. If not
   * said: chunks of 256 KiB that belong to whoever gets them.
   */
  readonly inPieces?: boolean;
}

/**
 * Talks to registries: pulls with everything checked, pushes, lists. One client may be used for any number of registries and requests
 * at the same time; it keeps connections, tokens and challenges, and nothing outside itself.
 */
export class RegistryClient {
  readonly #options: RegistryClientOptions;
  readonly #table: RegistryTable;
  readonly #session: Session;
  readonly #transport: Transport;
  /** Hosts of registries that somebody named, not those that a registry led to. */
  readonly #named = new Set<string>();

  /** Does nothing yet: no file is read and no connection made before the first request. */
  constructor(options: RegistryClientOptions = {}) {
    const { env = process.env, timeouts = {}, clock = systemClock } = options;
    this.#options = options;
    this.#table = { defaults: options.defaults ?? {}, registries: options.registries ?? {} };
    this.#transport =
      options.transport ?? new UndiciTransport({ tls: (host) => this.#tls(host), proxy: (url) => proxyFor(url, env), timeouts });
    this.#session = new Session({
      transport: this.#transport,
      credentials: options.credentials ?? credentialFiles({ env }),
      retry: { policy: options.retry ?? {}, clock, random: options.random ?? Math.random, onWarning: options.onWarning ?? ignore },
      idleMs: timeouts.idleMs ?? 60_000,
      userAgent: options.userAgent ?? 'cfskit-registry',
    });
  }

  /**
   * Whether there is a registry, by which scheme, and whether it wants a login.
   *
   * @param registry `ghcr.io`, `localhost:5000`, `docker.io`, also with `https://` in front
   */
  async ping(registry: string, { signal }: OpenOptions = {}): Promise<Ping> {
    return await ping(this.#session, this.#registry(registry), signal);
  }

  /**
   * Whether this client's credentials for a registry are good; returns if they are, or if none are wanted.
   *
   * @throws {RegistryError} UNAUTHORIZED, DENIED
   */
  async authenticate(registry: string, { signal }: OpenOptions = {}): Promise<void> {
    await authenticate(this.#session, this.#registry(registry), signal);
  }

  /**
   * The manifest or index that a name stands for, from the first of mirrors and registry that has it. The digest of the bytes has been compared with that
   * of the name, or, for a tag, with what the registry announced.
   *
   * @throws {RegistryError} MANIFEST_UNKNOWN, NAME_UNKNOWN, UNAUTHORIZED, NOT_A_REGISTRY, … {VerifyError} DIGEST_MISMATCH {OciSpecError} for what is no manifest
   */
  async fetchManifest(name: NameInput, options: OpenOptions = {}): Promise<FetchedManifest> {
    const parsed = toName(name);
    const reference = manifestReferenceOf(parsed);
    return await this.#fromFirst(parsed, options, (endpoint) => fetchManifest(this.#session, { endpoint, reference, ...options }));
  }

  /**
   * What the registry says about a name, by `HEAD`: to see whether a tag has moved. **Not checked.** Mirrors are not asked.
   *
   * @returns undefined if there is no such manifest
   */
  async headManifest(name: NameInput, options: OpenOptions = {}): Promise<Descriptor | undefined> {
    const parsed = toName(name);
    return await headManifest(this.#session, { endpoint: this.#origin(parsed), reference: manifestReferenceOf(parsed), ...options });
  }

  /** A repository as a source of images for everything that takes an `ImageSource`. */
  source(name: NameInput): RegistrySource {
    return new RegistrySource(this, toName(name));
  }

  /**
   * The content of a blob, checked while it passes; the verdict comes at the end. Broken connections are taken up where they broke.
   *
   * @throws {RegistryError} BLOB_UNKNOWN, … {VerifyError} SIZE_MISMATCH, DIGEST_MISMATCH
   */
  fetchBlob(name: NameInput, descriptor: Descriptor, options: DownloadOptions = {}): AsyncIterable<Uint8Array> {
    const stream = verified(this.openBlob(name, descriptor, signalOf(options)), descriptor);
    return options.reporter === undefined ? stream : reported(stream, descriptor, options.reporter);
  }

  /** The content of a blob, **not hashed**, but exactly as many bytes as the descriptor says. For those who hash themselves. */
  openBlob(name: NameInput, descriptor: Descriptor, options: OpenOptions = {}): AsyncIterable<Uint8Array> {
    return blobStream(this.#session, this.#blobRequest(name, descriptor, options));
  }

  /** Some bytes of a blob, **which nothing can prove to be right**: for reading tables of contents, or to go on with a download. */
  openBlobRange(name: NameInput, descriptor: Descriptor, range: BlobRange): AsyncIterable<Uint8Array> {
    const { start, end = descriptor.size, inPieces = false } = range;
    if (!(start >= 0 && start <= end && end <= descriptor.size && Number.isInteger(start) && Number.isInteger(end))) {
      throw new RangeError(`wanted a range within ${descriptor.size} bytes, found ${start} to ${end}`);
    }
    return blobStream(this.#session, { ...this.#blobRequest(name, descriptor, range), start, end, inPieces });
  }

  /**
   * The content of a layer that is kept elsewhere, from the first of the `urls` in its descriptor that has it, **not hashed**, but exactly as
   * many bytes as the descriptor says. Without credentials, by https alone, not from this machine or its link; at most ten redirects.
   *
   * @throws {RegistryError} FOREIGN_LAYER: there are no `urls`. REDIRECT_REFUSED, BLOB_UNKNOWN, … {VerifyError} SIZE_MISMATCH: of the last one
   */
  openForeign(descriptor: Descriptor, { signal }: OpenOptions = {}): AsyncIterable<Uint8Array> {
    return blobStream(this.#session, { endpoints: [], descriptor, foreign: true, ...(signal !== undefined && { signal }) });
  }

  /** Fetch a blob into a file, or the rest of it; see `Download`. The file has its name only when everything is right. */
  async downloadBlob(name: NameInput, descriptor: Descriptor, path: string, options: DownloadOptions = {}): Promise<Download> {
    const openFrom = (start: number): AsyncIterable<Uint8Array> =>
      blobStream(this.#session, { ...this.#blobRequest(name, descriptor, signalOf(options)), start, inPieces: true });
    return await downloadFile(path, descriptor, openFrom, options);
  }

  /** Whether the registry, not a mirror, says that it has this blob in this size. */
  async hasBlob(name: NameInput, descriptor: Pick<Descriptor, 'digest' | 'size'>, { signal }: OpenOptions = {}): Promise<boolean> {
    return await hasBlob(this.#session, this.#origin(toName(name)), descriptor, signal);
  }

  /** The tags of a repository, in the registry's order, page by page as they are asked for. */
  listTags(name: NameInput, options: ListTagsOptions = {}): AsyncIterable<string> {
    return listTags(this.#session, this.#origin(toName(name)), options);
  }

  /** The manifests that have this one as their `subject`, such as signatures and attestations. Their descriptors are the registry's word. */
  async listReferrers(name: NameInput, digest: string, options: ListReferrersOptions = {}): Promise<readonly Descriptor[]> {
    parseDigest(digest);
    return await listReferrers(this.#session, this.#origin(toName(name)), digest, options);
  }

  /** Push one blob, unless it is there or can be mounted from another repository. The content is checked before its last byte is sent. */
  async pushBlob(name: NameInput, descriptor: Descriptor, content: BlobContent, options: PushBlobOptions = {}): Promise<BlobOutcome> {
    return await pushBlob(this.#session, this.#origin(toName(name)), descriptor, content, options);
  }

  /**
   * Push a manifest or index as it is, under the tag of the name, or under its digest if the name has no tag.
   *
   * @returns its descriptor
   */
  async pushManifest(name: NameInput, raw: Uint8Array, options: PushManifestOptions = {}): Promise<Descriptor> {
    const parsed = toName(name);
    return await pushManifest(this.#session, this.#origin(parsed), parsed, raw, options);
  }

  /** Push an image, or an index with all its images, from any source. */
  async pushImage(
    name: NameInput,
    source: Pick<ImageSource, 'open'>,
    root: ImageRoot,
    options: PushImageOptions = {},
  ): Promise<PushedImage> {
    const parsed = toName(name);
    return await pushImage(this.#session, this.#origin(parsed), parsed, source, root, options);
  }

  /**
   * Push files as an artifact, about another manifest if it has a `subject`.
   *
   * @returns the descriptor of its manifest
   */
  async pushArtifact(name: NameInput, artifact: Artifact, options: PushArtifactOptions = {}): Promise<Descriptor> {
    const parsed = toName(name);
    return await pushArtifact(this.#session, this.#origin(parsed), parsed, artifact, options);
  }

  /** Close connections; requests that are running fail. */
  async close(): Promise<void> {
    await this.#transport.close();
  }

  #origin(name: RegistryName): Endpoint {
    return this.#note(originOf(name, this.#table));
  }

  #registry(text: string): Endpoint {
    return this.#note(wholeRegistry(parseRegistry(text), this.#table));
  }

  /** Mirrors, and the registry itself. */
  #endpoints(name: RegistryName): readonly Endpoint[] {
    this.#origin(name);
    return endpointsOf(name, this.#table);
  }

  #note(endpoint: Endpoint): Endpoint {
    this.#named.add(endpoint.host);
    return endpoint;
  }

  #blobRequest(name: NameInput, descriptor: Descriptor, { signal }: OpenOptions): BlobRequest {
    const endpoints = this.#endpoints(toName(name));
    return { endpoints, descriptor, foreign: this.#options.foreignLayers ?? false, ...(signal !== undefined && { signal }) };
  }

  /** The client certificate for all is not for hosts that nobody named: mirrors, token servers, and where redirects lead to. */
  async #tls(host: string): Promise<TlsSettings> {
    const registry = registryOfHost(host);
    const trust = optionsOf(this.#table, registry);
    const identity = this.#named.has(host) ? trust : optionsOf({ ...this.#table, defaults: {} }, registry);
    return await tlsSettingsFor(host, { trust, identity }, this.#options.certDirs ?? defaultCertDirs());
  }

  /** Mirrors first; whatever is wrong with one of them, the next is asked. */
  async #fromFirst<T>(name: RegistryName, { signal }: OpenOptions, work: (endpoint: Endpoint) => Promise<T>): Promise<T> {
    const endpoints = this.#endpoints(name);
    for (const endpoint of endpoints.slice(0, -1)) {
      try {
        return await work(endpoint);
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof Error) || error instanceof TypeError) throw error;
        const isMissing = error instanceof RegistryError && error.status === 404;
        if (!isMissing) this.#session.retry.onWarning(`mirror ${endpoint.host}: ${error.message}`);
      }
    }
    return await work(endpoints.at(-1)!);
  }
}

/** Tells of a blob as it passes. */
async function* reported(
  stream: AsyncIterable<Uint8Array>,
  { digest: id, size }: Descriptor,
  reporter: Reporter,
): AsyncGenerator<Uint8Array, void> {
  reporter.report({ type: 'started', id, total: size, unit: 'bytes' });
  yield* countingStream(stream, id, size, reporter);
  reporter.report({ type: 'done', id, transferred: size });
}

function ignore(): void {}

function signalOf({ signal }: OpenOptions): OpenOptions {
  return signal === undefined ? {} : { signal };
}
