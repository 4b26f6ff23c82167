import type { StreamChunk } from '@cfskit/splitstream';

type InlineChunk = Extract<StreamChunk, { readonly kind: 'inline' }>;

/** Decoders keep no more than the block before. */
const BLOCKS_KEPT = 2;

/** Bytes of a chunk: what is made of one at a time should not outlive the collector's first look at it. */
const PIECE = 32 * 1024;

/**
 * The same content for a reader that makes many small things of it and is done with a chunk when it asks for the next: in small pieces, and the
 * memory of the blocks that they lie in is released. Left to the collector, things and blocks of layers with very many entries
 * are a hundred MiB before it runs.
 */
export async function* releasingBlocks(chunks: AsyncIterable<StreamChunk>): AsyncGenerator<StreamChunk, void> {
  const held: ArrayBufferLike[] = [];
  for await (const chunk of chunks) {
    if (chunk.kind === 'inline') {
      keep(held, chunk.bytes.buffer);
      yield* piecesOf(chunk);
    } else {
      yield chunk;
    }
  }
}

function* piecesOf({ kind, bytes, last }: InlineChunk): Generator<StreamChunk, void> {
  let start = 0;
  for (; bytes.length - start > PIECE; start += PIECE) yield { kind, bytes: bytes.subarray(start, start + PIECE), last: false };
  yield { kind, bytes: bytes.subarray(start), last };
}

function keep(held: ArrayBufferLike[], buffer: ArrayBufferLike): void {
  if (held.at(-1) === buffer) return;
  if (held.length === BLOCKS_KEPT) release(held.shift()!);
  held.push(buffer);
}

function release(buffer: ArrayBufferLike): void {
  if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}
