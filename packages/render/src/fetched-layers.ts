import { randomUUID } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileChunks } from './file-layer.ts';
import type { OpenLayerOptions, RenderImage, RenderLayer } from './render-image.ts';

/** Layers that are kept in files as they come, so that reading them again does not fetch them again. */
export class FetchedLayers {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The same image, each layer of which is fetched once. */
  keep(image: RenderImage): RenderImage {
    return { ...image, layers: image.layers.map((layer, number) => keptLayer(layer, join(this.#directory, String(number)))) };
  }

  /** Remove the files. */
  async close(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** @param parent a directory with room for the stored layers */
export async function openFetchedLayers(parent: string): Promise<FetchedLayers> {
  const directory = join(parent, `.layers-${randomUUID()}`);
  await mkdir(directory, { mode: 0o700 });
  return new FetchedLayers(directory);
}

function keptLayer(layer: RenderLayer, path: string): RenderLayer {
  let isComplete = false;
  const fetch = async function* (options: OpenLayerOptions): AsyncGenerator<Uint8Array, void> {
    const file = await open(path, 'w', 0o600);
    try {
      for await (const chunk of layer.open(options)) {
        await file.writeFile(chunk);
        yield chunk;
      }
    } finally {
      await file.close();
    }
    isComplete = true;
  };
  return Object.assign({}, layer, { open: (options: OpenLayerOptions = {}) => (isComplete ? fileChunks(path) : fetch(options)) });
}
