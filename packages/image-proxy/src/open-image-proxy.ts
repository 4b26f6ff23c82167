import { parseImageReference, type ImageReference } from '@cfskit/oci-ref';
import type { ChannelKind } from './open-channel.ts';
import { ProxyReader } from './proxy-reader.ts';
import type { RetryPolicy } from './retry.ts';
import { Skopeo } from './skopeo.ts';
import { SkopeoImage } from './skopeo-image.ts';
import type { SkopeoOptions } from './skopeo-options.ts';
import { StagingReader } from './staging-reader.ts';

/** How an image is read through skopeo. */
export interface OpenImageProxyOptions extends SkopeoOptions {
  /**
   * The way: through the proxy, over one of its two channels or the better one that can be had here (`auto`, if not said), or by letting skopeo copy the
   * image into a temporary directory first (`staging`).
   */
  readonly via?: ChannelKind | 'staging' | undefined;
  /** Without a byte or an answer for so long, a transfer is given up; 60 seconds if not said. */
  readonly stallTimeoutMs?: number | undefined;
  readonly retry?: RetryPolicy | undefined;
  /**
   * Let `resolve` also tell the digest of the index that an image was chosen from. That takes another run of skopeo, and another request, which some
   * registries count.
   */
  readonly readIndex?: boolean | undefined;
  /** Told, in a sentence, of further tries and of what this skopeo cannot do. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

const STALL_MS = 60_000;

/**
 * Read an image through skopeo: whatever transport it knows, with the container configuration of the machine. skopeo is started when something is
 * read. Close the image when it is done.
 *
 * @param reference `transport:name`
 * @throws {OciRefError} if it is no reference. {ImageProxyError} SKOPEO_MISSING
 */
export function openImageProxy(reference: string | ImageReference, options: OpenImageProxyOptions = {}): SkopeoImage {
  const { via = 'auto', stallTimeoutMs: stallMs = STALL_MS, retry = {}, readIndex = false, onWarning = () => undefined } = options;
  const skopeo = new Skopeo(typeof reference === 'string' ? parseImageReference(reference) : reference, options);
  const reader =
    via === 'staging'
      ? new StagingReader(skopeo, stallMs)
      : new ProxyReader(skopeo, { channel: via, stallMs, onWarning, insecurePolicy: options.insecurePolicy === true });
  return new SkopeoImage(skopeo, reader, { stallMs, retry, onWarning, readIndex });
}
