import { open } from 'node:fs/promises';
import type { Expected } from '@cfskit/oci-spec';
import type { RenderLayer } from './render-image.ts';

/** What is known of a layer before it is there. */
export interface LayerMeta {
  readonly mediaType: string;
  /** Digest and perhaps size of its file; checked where given. */
  readonly blob?: Expected;
  /** Digest of the uncompressed tar; checked where given. */
  readonly diffId?: string;
}

const CHUNK = 512 * 1024;

/** A layer in a file. */
export function fileLayer(path: string, { mediaType, blob, diffId }: LayerMeta): RenderLayer {
  return { name: path, mediaType, ...(blob && { blob }), ...(diffId !== undefined && { diffId }), open: () => fileChunks(path) };
}

/** The bytes of a file. Each chunk is the reader's. */
export async function* fileChunks(path: string): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const file = await open(path, 'r');
  try {
    for (;;) {
      const chunk = new Uint8Array(Buffer.allocUnsafeSlow(CHUNK).buffer);
      const { bytesRead } = await file.read(chunk, 0, CHUNK, null);
      if (bytesRead === 0) return;
      yield bytesRead === CHUNK ? chunk : chunk.slice(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
