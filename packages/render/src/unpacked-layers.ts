import { statfs } from 'node:fs/promises';
import { hasCode } from './errors.ts';
import { layerPacking } from './layer-format.ts';
import type { RenderLayer } from './render-image.ts';
import { Spool } from './spool.ts';

/** Of the free space: the output needs some, too. */
const SHARE = 4;

/** What layers unpack to, in files without a name, as far as there is room: they need not be unpacked a second time. */
export class UnpackedLayers {
  readonly #directory: string;
  readonly #spools: Spool[] = [];
  #room: number;

  constructor(directory: string, room: number) {
    this.#directory = directory;
    this.#room = room;
  }

  /** Begin to keep a layer; nothing for one that is not packed. */
  begin({ mediaType }: RenderLayer): UnpackedLayer | undefined {
    if (this.#room === 0 || layerPacking(mediaType) === 'none') return undefined;
    const spool = new Spool(this.#directory);
    this.#spools.push(spool);
    return new UnpackedLayer(spool, (bytes) => this.#take(bytes));
  }

  close(): void {
    for (const spool of this.#spools) spool.close();
  }

  #take(bytes: number): boolean {
    if (bytes > this.#room) return false;
    this.#room -= bytes;
    return true;
  }
}

/** One layer that is kept, unless it turns out to be too large. */
export class UnpackedLayer {
  readonly #spool: Spool;
  readonly #take: (bytes: number) => boolean;
  #isWhole = true;

  constructor(spool: Spool, take: (bytes: number) => boolean) {
    this.#spool = spool;
    this.#take = take;
  }

  /** Whether everything was kept. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  write(bytes: Uint8Array): void {
    if (!this.#isWhole) return;
    try {
      this.#isWhole = this.#take(bytes.byteLength);
      if (this.#isWhole) this.#spool.write(bytes);
    } catch (error) {
      if (!hasCode(error, 'ENOSPC', 'EDQUOT', 'EFBIG')) throw error;
      this.#isWhole = false;
    }
    if (!this.#isWhole) this.#spool.empty();
  }

  /** All bytes. A chunk is not to be looked at when the next one was asked for. */
  chunks(): Generator<Uint8Array, void> {
    return this.#spool.readAll();
  }
}

/**
 * Where layers are kept while they are needed.
 *
 * @param maxBytes of all layers together; at most a quarter of the free space is taken
 */
export async function openUnpackedLayers(directory: string, maxBytes: number): Promise<UnpackedLayers> {
  if (maxBytes === 0) return new UnpackedLayers(directory, 0);
  const { bavail, bsize } = await statfs(directory);
  return new UnpackedLayers(directory, Math.min(maxBytes, Math.floor((bavail * bsize) / SHARE)));
}
