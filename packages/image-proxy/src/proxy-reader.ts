import type { ImageReference } from '@cfskit/oci-ref';
import { digestAlgorithm, digestOf, formatPlatform, nativePlatform, type Descriptor, type Platform } from '@cfskit/oci-spec';
import { ImageProxyError } from './errors.ts';
import type { ImageReader, ManifestLayer, OriginalManifest, ReadOptions } from './image-reader.ts';
import type { LayerInfo } from './layer-info.ts';
import { openChannel, type ChannelKind } from './open-channel.ts';
import { ProxyClient } from './proxy-client.ts';
import { Session } from './session.ts';
import type { Skopeo } from './skopeo.ts';
import { pinned } from './skopeo-reference.ts';
import { StagingReader } from './staging-reader.ts';
import { abortable } from './waiting.ts';

/** How the proxy is used. */
export interface ProxyReaderOptions {
  readonly channel: ChannelKind;
  readonly stallMs: number;
  /** Told once of what this skopeo cannot do. */
  readonly onWarning: (text: string) => void;
  /** Whether the user wants no signature policy. */
  readonly insecurePolicy: boolean;
}

interface Current {
  readonly reference: ImageReference;
  /** The same image by its digest, for opening it again. */
  readonly pinned: ImageReference | undefined;
  readonly platform: Platform;
}

/** Reads through `skopeo experimental-image-proxy`. One process at a time: for another platform, or when it has died, another one is started. */
export class ProxyReader implements ImageReader {
  readonly #skopeo: Skopeo;
  readonly #options: ProxyReaderOptions;
  #session: { readonly platform: string; readonly started: Promise<Session> } | undefined;
  #current: Current;
  #staging: { readonly reader: StagingReader; readonly digests: ReadonlySet<string> } | undefined;
  #warned = false;
  #isClosed = false;

  constructor(skopeo: Skopeo, options: ProxyReaderOptions) {
    this.#skopeo = skopeo;
    this.#options = options;
    this.#current = { reference: skopeo.reference, pinned: undefined, platform: nativePlatform(process) };
  }

  async readManifest(reference: ImageReference, { platform, signal }: ReadOptions): Promise<OriginalManifest> {
    const session = await this.#open(platform, signal);
    return session.use(async (client) => {
      const { digest, raw } = await client.readManifest(await session.image(reference, signal), signal);
      const pin = pinned(reference, digest);
      const original = await this.#original(pin ?? reference, digest, raw, signal);
      this.#current = { reference, pinned: pin, platform };
      return { digest, raw: original };
    });
  }

  async *openBlob(descriptor: Descriptor, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void> {
    if (this.#staging?.digests.has(descriptor.digest) === true) {
      yield* this.#staging.reader.openBlob(descriptor, signal);
      return;
    }
    const { reference, pinned: pin, platform } = this.#current;
    const session = await this.#open(platform, signal);
    session.hold();
    try {
      const image = await session.image(session.hasImage(reference) ? reference : (pin ?? reference), signal);
      yield* session.client.readBlob(image, descriptor, signal);
    } finally {
      session.release();
    }
  }

  async listLayers(layers: readonly ManifestLayer[], signal: AbortSignal | undefined): Promise<readonly LayerInfo[]> {
    const { reference, platform } = this.#current;
    const session = await this.#open(platform, signal);
    const listed = await session.use(async (client) => client.readLayerInfo(await session.image(reference, signal), signal));
    return listed ?? this.#stage(layers, session, signal);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const session = this.#session;
    this.#session = undefined;
    await session?.started.then(
      ({ client }) => client.close(),
      () => undefined, // it never started
    );
    await this.#skopeo.close();
  }

  /** Before 0.2.5 the proxy cannot say what the layers of a containers storage are called. */
  async #stage(layers: readonly ManifestLayer[], { client }: Session, signal: AbortSignal | undefined): Promise<readonly LayerInfo[]> {
    const { version } = client.features;
    this.#options.onWarning(`skopeo's image proxy ${version} cannot read layers of containers-storage:, so the image is copied first`);
    const { reference, platform } = this.#current;
    const reader = new StagingReader(this.#skopeo, this.#options.stallMs);
    await reader.readManifest(reference, { platform, signal });
    const listed = await reader.listLayers(layers, signal);
    this.#staging = { reader, digests: new Set(listed.map(({ digest }) => digest)) };
    return listed;
  }

  /** A manifest of Docker comes rewritten, with the digest of the original. The original is to be had in another way. */
  async #original(reference: ImageReference, digest: string, raw: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const algorithm = digestAlgorithm(digest);
    if (digestOf(raw, algorithm) === digest) return raw;
    const original = await this.#skopeo.inspectRaw(reference, { signal, stallMs: this.#options.stallMs });
    const found = digestOf(original, algorithm);
    if (found === digest) return original;
    const message = `skopeo says that the manifest of ${this.#skopeo.describe()} has the digest ${digest}, found ${found}`;
    throw new ImageProxyError('MANIFEST_MISMATCH', message, { digest });
  }

  async #open(platform: Platform, signal: AbortSignal | undefined): Promise<Session> {
    const key = formatPlatform(platform);
    for (;;) {
      signal?.throwIfAborted();
      if (this.#isClosed) throw new ImageProxyError('CLOSED', `${this.#skopeo.describe()} has been closed`);
      const known = this.#session;
      const session = known?.platform === key ? await abortable(known.started, signal) : undefined;
      if (session?.client.isUsable === true) return session;
      if (known === this.#session) this.#replace(key, platform);
    }
  }

  #replace(key: string, platform: Platform): void {
    this.#session?.started.then(
      (session) => session.retire(),
      () => undefined,
    );
    const started = this.#start(platform);
    const entry = { platform: key, started };
    this.#session = entry;
    started.catch(() => {
      if (this.#session === entry) this.#session = undefined;
    });
  }

  async #start(platform: Platform): Promise<Session> {
    const { channel, stallMs } = this.#options;
    const command = this.#skopeo.commandLine('experimental-image-proxy', [], platform);
    const client = await ProxyClient.start(openChannel(channel, command), stallMs);
    this.#warnOfPolicy(client);
    return new Session(client);
  }

  #warnOfPolicy({ features }: ProxyClient): void {
    if (features.enforcesPolicy || this.#options.insecurePolicy || this.#warned) return;
    this.#warned = true;
    this.#options.onWarning(`skopeo's image proxy ${features.version} does not look at the signature policy (from 0.2.6 on it does)`);
  }
}
