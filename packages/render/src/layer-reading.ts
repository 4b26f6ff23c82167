import { createHash, digestAlgorithm, type Expected, type Hash } from '@cfskit/oci-spec';
import { countingStream, type Reporter } from '@cfskit/progress';
import type { DecodeJob } from './decode-blob.ts';
import type { LayerDecoder } from './decode-threads.ts';
import { RenderError } from './errors.ts';
import { layerPacking } from './layer-format.ts';
import type { Limits } from './limits.ts';
import type { RenderLayer } from './render-image.ts';
import { Turns } from './turns.ts';

/** What reading a layer needs besides the layer. */
export interface ReadingContext {
  /** Name of the image, for messages. */
  readonly image: string;
  readonly decoder: LayerDecoder;
  readonly limits: Limits;
  readonly signal?: AbortSignal;
}

/** How one reading of a layer goes. */
export interface ReadLayerOptions extends ReadingContext {
  /** What the stored bytes must be, if not what the layer says. */
  readonly expected?: Expected;
  readonly onBlob?: (blob: Expected) => void;
  /** Told how many stored bytes have been read, as component `id`. */
  readonly progress?: { readonly reporter: Reporter; readonly id: string };
}

/**
 * The uncompressed bytes of a layer, with its stored bytes checked. The event loop turns now and then.
 *
 * @throws {RenderError} UNSUPPORTED_MEDIA_TYPE; whatever the layer or its decoder throws
 */
export async function* readLayer(layer: RenderLayer, options: ReadLayerOptions): AsyncGenerator<Uint8Array, void> {
  const { decoder, limits, signal, expected = layer.blob, progress, onBlob = () => undefined } = options;
  const job: DecodeJob = {
    packing: layerPacking(layer.mediaType),
    maxBytes: limits.maxLayerBytes,
    maxRatio: limits.maxRatio,
    ...(expected && { expected }),
  };
  const stored = layer.open(signal === undefined ? {} : { signal });
  const source = progress === undefined ? stored : countingStream(stored, progress.id, expected?.size, progress.reporter);
  const turns = new Turns(signal);
  for await (const chunk of decoder.decode(source, job, { onBlob, ...(signal && { signal }) })) {
    await turns.take();
    yield chunk;
  }
}

/** The error for a layer, with the reason as its cause; an abort stays what it is. */
export function layerFailed(layer: RenderLayer, number: number, cause: unknown, { image, signal }: ReadingContext): unknown {
  if (signal?.aborted === true) return cause;
  return new RenderError('LAYER_FAILED', `cannot read layer ${number} of ${image} (${layer.name})`, { layer: number, cause });
}

/** Checks the digest of the uncompressed bytes, unless they are the stored ones, which are checked already. */
export class DiffIdCheck {
  readonly #wanted: string | undefined;
  readonly #stored: string | undefined;
  readonly #hash: Hash | undefined;

  constructor({ diffId, blob, mediaType }: RenderLayer) {
    this.#wanted = diffId;
    if (diffId === undefined) return;
    const algorithm = digestAlgorithm(diffId);
    const isStored = layerPacking(mediaType) === 'none' && blob !== undefined && digestAlgorithm(blob.digest) === algorithm;
    if (isStored) this.#stored = blob.digest;
    else this.#hash = createHash(algorithm);
  }

  update(chunk: Uint8Array): void {
    this.#hash?.update(chunk);
  }

  /** @throws {RenderError} DIFF_ID_MISMATCH */
  finish(): void {
    const wanted = this.#wanted;
    if (wanted === undefined) return;
    const found = this.#stored ?? `${digestAlgorithm(wanted)}:${this.#hash!.digestHex()}`;
    if (found !== wanted) throw new RenderError('DIFF_ID_MISMATCH', `diff_id mismatch: wanted ${wanted}, found ${found}`);
  }
}
