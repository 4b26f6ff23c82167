import type { HttpResponse } from './http.ts';

const FIRST_CAPACITY = 16 * 1024;

/**
 * The whole body, if it has at most `limit` bytes. What is longer is not read to its end.
 *
 * @returns undefined if there is more
 */
export async function readBody(response: HttpResponse, limit: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (Number(response.headers['content-length'] ?? 0) > limit) {
    response.discard();
    return undefined;
  }
  // Copied at once: a body cut into single bytes would otherwise take a hundred times its size.
  let bytes = new Uint8Array(Math.min(FIRST_CAPACITY, limit));
  let size = 0;
  for await (const chunk of response.body) {
    const end = size + chunk.byteLength;
    if (end > limit) return undefined;
    if (end > bytes.byteLength) bytes = grown(bytes, Math.min(limit, Math.max(end, 2 * bytes.byteLength)));
    bytes.set(chunk, size);
    size = end;
  }
  return bytes.subarray(0, size);
}

function grown(bytes: Uint8Array, capacity: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(capacity);
  larger.set(bytes);
  return larger;
}

/** The media type without parameters, in lower case; empty if there is none. */
export function mediaTypeOf({ headers }: Pick<HttpResponse, 'headers'>): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
}

/** Whether this is a web page, which is what login walls and proxies answer with. */
export function isWebPage(response: Pick<HttpResponse, 'headers'>): boolean {
  const type = mediaTypeOf(response);
  return type === 'text/html' || type === 'application/xhtml+xml';
}

/** Bytes per chunk. Half a mebibyte hashes no faster, 64 KiB a fifth slower. */
const CHUNK_SIZE = 256 * 1024;

/**
 * The same bytes in chunks of 256 KiB, each in memory of its own. Pieces of any size come in: memory is one chunk. If `source` fails, what came
 * before is handed out first, so that nothing has to be fetched twice.
 */
export async function* inChunks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  let chunk = emptyChunk();
  let size = 0;
  let failure: { readonly error: unknown } | undefined;
  const pieces = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const piece = await pieces.next().catch((error: unknown) => {
        failure = { error };
        return { done: true, value: undefined } as const;
      });
      if (piece.done === true) break;
      let at = 0;
      while (at < piece.value.byteLength) {
        const part = piece.value.subarray(at, at + CHUNK_SIZE - size);
        chunk.set(part, size);
        at += part.byteLength;
        size += part.byteLength;
        if (size < CHUNK_SIZE) break;
        yield chunk;
        chunk = emptyChunk();
        size = 0;
      }
    }
    if (size > 0) yield chunk.subarray(0, size);
    if (failure !== undefined) throw failure.error;
  } finally {
    await pieces.return?.();
  }
}

function emptyChunk(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.allocUnsafeSlow(CHUNK_SIZE).buffer);
}
