import { isDigest, parseJson, type Descriptor } from '@cfskit/oci-spec';
import { judgedBlob, rawBlob, readDocument } from './blob-transfer.ts';
import type { Answer, ProxyChannel } from './channel.ts';
import { ImageProxyError } from './errors.ts';
import { parseLayerInfo, type LayerInfo } from './layer-info.ts';
import type { Argument, Method } from './methods.ts';
import { protocolFeatures, type ProtocolFeatures } from './protocol-version.ts';

/** A manifest as the proxy gives it: perhaps rewritten, while the digest is always that of the original. */
export interface ProxyManifest {
  readonly digest: string;
  readonly raw: Uint8Array<ArrayBuffer>;
}

/** The methods of the proxy, chosen by its version. */
export class ProxyClient {
  readonly features: ProtocolFeatures;
  readonly #channel: ProxyChannel;
  readonly #stallMs: number;

  private constructor(channel: ProxyChannel, features: ProtocolFeatures, stallMs: number) {
    this.#channel = channel;
    this.features = features;
    this.#stallMs = stallMs;
  }

  /**
   * Begin the conversation. The channel is closed if that fails.
   *
   * @throws {ImageProxyError} SKOPEO_FAILED if the proxy ends instead; UNSUPPORTED_VERSION, STALLED, PROTOCOL, REFUSED
   */
  static async start(channel: ProxyChannel, stallMs: number): Promise<ProxyClient> {
    try {
      const { value } = await channel.call('Initialize', [], { stallMs });
      return new ProxyClient(channel, protocolFeatures(value), stallMs);
    } catch (error) {
      await channel.close();
      if (!(error instanceof ImageProxyError) || error.code !== 'PROXY_DIED') throw error;
      throw new ImageProxyError('SKOPEO_FAILED', error.message, { cause: error });
    }
  }

  /** Whether the proxy is there to be asked. */
  get isUsable(): boolean {
    return this.#channel.isUsable;
  }

  /** Let the proxy end. */
  async close(): Promise<void> {
    await this.#channel.close();
  }

  /**
   * Open an image. That its platform is there is only seen when its manifest is asked for.
   *
   * @returns what the other methods want
   * @throws {ImageProxyError} IMAGE_NOT_FOUND, from protocol 0.2.4 on; REFUSED, and what any call may give
   */
  async openImage(reference: string, signal?: AbortSignal): Promise<number> {
    const method = this.features.optionalOpen ? 'OpenImageOptional' : 'OpenImage';
    const { value } = await this.#call(method, [reference], signal);
    if (value === 0 && this.features.optionalOpen) throw new ImageProxyError('IMAGE_NOT_FOUND', `skopeo: there is no image ${reference}`);
    if (Number.isSafeInteger(value) && (value as number) > 0) return value as number;
    throw new ImageProxyError('PROTOCOL', `wanted the id of an image from ${method}, found ${JSON.stringify(value)}`);
  }

  /** @throws {ImageProxyError} REFUSED, also where no image of an index is for the platform; and what any call may give */
  async readManifest(image: number, signal?: AbortSignal): Promise<ProxyManifest> {
    const answer = await this.#call('GetManifest', [image], signal);
    const raw = await this.#document(answer, signal);
    if (typeof answer.value !== 'string' || !isDigest(answer.value)) {
      throw new ImageProxyError('PROTOCOL', `wanted the digest of a manifest, found ${JSON.stringify(answer.value)}`);
    }
    return { digest: answer.value, raw };
  }

  /**
   * The layers as the source has them, which for `containers-storage:` is not as the manifest has them.
   *
   * @returns undefined before protocol 0.2.5
   * @throws {ImageProxyError} PROTOCOL if the list is none, and what any call may give
   */
  async readLayerInfo(image: number, signal?: AbortSignal): Promise<readonly LayerInfo[] | undefined> {
    if (this.features.layerInfo === 'none') return undefined;
    if (this.features.layerInfo === 'inline') return parseLayerInfo((await this.#call('GetLayerInfo', [image], signal)).value);
    const answer = await this.#call('GetLayerInfoPiped', [image], signal);
    return parseLayerInfo(parseJson(await this.#document(answer, signal)));
  }

  /**
   * The bytes of a blob, as many as its descriptor says, not verified by us.
   *
   * @throws {ImageProxyError} SIZE_MISMATCH, TRUNCATED, REFUSED, and what any call may give
   */
  async *readBlob(image: number, { digest, size }: Descriptor, signal?: AbortSignal): AsyncGenerator<Uint8Array, void> {
    const { value, pipes, pipeId } = await this.#call(...this.#blobCall(image, digest, size), signal);
    const [data, errors] = pipes as [Answer['pipes'][number], Answer['pipes'][number]?];
    const transfer = { channel: this.#channel, size, found: value, patience: { signal, stallMs: this.#stallMs } };
    yield* errors === undefined ? judgedBlob(transfer, data, pipeId) : rawBlob(transfer, data, errors);
  }

  #blobCall(image: number, digest: string, size: number): [Method, readonly Argument[]] {
    return this.features.rawBlobs ? ['GetRawBlob', [image, digest]] : ['GetBlob', [image, digest, size]];
  }

  #document({ pipes, pipeId }: Answer, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>> {
    return readDocument(this.#channel, pipes[0]!, pipeId, { signal, stallMs: this.#stallMs });
  }

  #call(method: Method, args: readonly Argument[], signal: AbortSignal | undefined): Promise<Answer> {
    return this.#channel.call(method, args, { signal, stallMs: this.#stallMs });
  }
}
