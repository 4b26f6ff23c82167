import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArrivedLayer } from '../../src/index.ts';
import { layer, type LayerBuilder } from './layer-builder.ts';
import { PLAIN_TAR } from './images.ts';

/** Three layers: a file that is replaced, and one that is hidden. */
const THREE_LAYERS: readonly LayerBuilder[] = [
  layer().file('base.txt', 'old').file('keep.txt', 'keep'),
  layer().file('base.txt', 'new'),
  layer().whiteout('', 'keep.txt'),
];

/** Write layers as files. */
export async function layerFiles(directory: string, layers: readonly LayerBuilder[] = THREE_LAYERS): Promise<ArrivedLayer[]> {
  const files: ArrivedLayer[] = [];
  for (const [index, one] of layers.entries()) {
    const path = join(directory, `layer-${index}`);
    await writeFile(path, one.build());
    files.push({ index, path, mediaType: PLAIN_TAR });
  }
  return files;
}

/** An element that is there. */
export function pick<T>(list: readonly T[], index: number): T {
  const element = list[index];
  if (element === undefined) throw new Error(`no element ${index} of ${list.length}`);
  return element;
}
