import { formatImageReference, type ImageReference } from '@cfskit/oci-ref';
import type { ProxyClient } from './proxy-client.ts';
import { skopeoReference } from './skopeo-reference.ts';
import { abortable, ignore } from './waiting.ts';

/** One proxy process for one platform, and the images that are open there. It ends when it is retired and nobody uses it any more. */
export class Session {
  readonly client: ProxyClient;
  readonly #images = new Map<string, Promise<number>>();
  #users = 0;
  #isRetired = false;

  constructor(client: ProxyClient) {
    this.client = client;
  }

  /** Do something with the proxy. */
  async use<T>(work: (client: ProxyClient) => Promise<T>): Promise<T> {
    this.hold();
    try {
      return await work(this.client);
    } finally {
      this.release();
    }
  }

  /** Keep the proxy alive until {@link release}. */
  hold(): void {
    this.#users++;
  }

  release(): void {
    this.#users--;
    this.#endIfUnused();
  }

  /** Nobody new will come. */
  retire(): void {
    this.#isRetired = true;
    this.#endIfUnused();
  }

  /** The id of an image, which is opened once. Aborting one who waits does not disturb the others. */
  image(reference: ImageReference, signal: AbortSignal | undefined): Promise<number> {
    const key = formatImageReference(reference);
    let opening = this.#images.get(key);
    if (opening === undefined) {
      opening = this.client.openImage(skopeoReference(reference));
      this.#images.set(key, opening);
      opening.catch(() => this.#images.delete(key));
    }
    return abortable(opening, signal);
  }

  /** Whether an image is open, or being opened. */
  hasImage(reference: ImageReference): boolean {
    return this.#images.has(formatImageReference(reference));
  }

  #endIfUnused(): void {
    if (this.#isRetired && this.#users === 0) this.client.close().catch(ignore);
  }
}
