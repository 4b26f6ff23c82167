import type { StreamDecoder } from './backend.ts';

/** Chunks below this are gathered. */
const SMALL = 2 ** 16;

/** Bytes that are not packed. A large chunk that is alone in its ArrayBuffer goes on as it is; others are gathered and copied. */
export const passThrough: StreamDecoder = async function* (input, output) {
  while (!input.isEmpty || (await input.fill())) {
    const chunk = input.available;
    input.advance(chunk.byteLength);
    if (!output.allocates && isAlone(chunk) && chunk.byteLength >= SMALL) {
      if (output.length > 0) yield output.take();
      output.count(chunk);
      yield chunk;
      continue;
    }
    yield* output.writeAll(chunk);
  }
};

function isAlone(chunk: Uint8Array): chunk is Uint8Array<ArrayBuffer> {
  return chunk.buffer instanceof ArrayBuffer && chunk.byteLength === chunk.buffer.byteLength;
}
