/** Smaller chunks are not worth it. */
const LARGE = 256 * 1024;

/** Whether a chunk is large and has its memory to itself. Chunks belong to whoever reads them, so that memory is ours. */
export function isAlone(chunk: Uint8Array): chunk is Uint8Array<ArrayBuffer> {
  return chunk.byteLength >= LARGE && chunk.byteLength === chunk.buffer.byteLength && chunk.buffer instanceof ArrayBuffer;
}

/**
 * The same chunks; the memory of each is released when the reader has the one after the next. Decoders keep no more than
 * that. Left to the collector, a few dozen MiB make it run, which cost a tenth of an import (docs/decisions/import-pipeline.md).
 */
export async function* releasing(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const held: Uint8Array[] = [];
  for await (const chunk of source) {
    if (held.length === 2) release(held.shift()!);
    held.push(chunk);
    yield chunk;
  }
}

function release(chunk: Uint8Array): void {
  if (isAlone(chunk)) chunk.buffer.transfer(0);
}
