import type { Reporter } from './reporter.ts';

/**
 * Pass `source` through unchanged and report, for each chunk, how many bytes there have been so far. Nothing is reported for an empty
 * source. One event per chunk: put {@link coalescing} in between where chunks are small.
 *
 * @param total bytes to expect, as told to the reporter; undefined if not known
 */
export async function* countingStream(
  source: AsyncIterable<Uint8Array>,
  id: string,
  total: number | undefined,
  reporter: Reporter,
): AsyncGenerator<Uint8Array, void> {
  let fetched = 0;
  for await (const chunk of source) {
    if (chunk.byteLength > 0) {
      fetched += chunk.byteLength;
      reporter.report({ type: 'progress', id, fetched, ...(total !== undefined && { total }) });
    }
    yield chunk;
  }
}
