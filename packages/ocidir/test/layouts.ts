import { blobPath, layoutFiles, withTempDir, writeLayout, type LayoutEntry, type LayoutFiles } from '@cfskit/fixtures';
import { openOciDir, type OciDir, type OpenOciDirOptions } from '../src/index.ts';

/** Runs `work` on a layout with these entries, after `change` had its way with the files. */
export async function withLayout(
  entries: readonly LayoutEntry[],
  work: (layout: OciDir, directory: string) => Promise<void>,
  { change = (files) => files, ...options }: OpenOciDirOptions & { change?: (files: LayoutFiles) => LayoutFiles } = {},
): Promise<void> {
  await withTempDir(async (directory) => {
    await writeLayout(directory, change(layoutFiles(entries)));
    await work(await openOciDir(directory, options), directory);
  });
}

/** Blobs by digest as files of a layout. */
export function blobFiles(blobs: ReadonlyMap<string, Uint8Array>): LayoutFiles {
  return Object.fromEntries([...blobs].map(([digest, bytes]) => [blobPath(digest), bytes]));
}

/** All bytes of a stream, and the size of each chunk. */
export async function collect(stream: AsyncIterable<Uint8Array>): Promise<{ bytes: Uint8Array; sizes: number[] }> {
  const chunks = await Array.fromAsync(stream);
  return { bytes: Uint8Array.from(Buffer.concat(chunks)), sizes: chunks.map((chunk) => chunk.byteLength) };
}

/** The error that `work` fails with, or undefined. */
export async function failure(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Messages of an error and its causes, outermost first. */
export function chain(error: unknown): string {
  return error instanceof Error ? [error.message, ...(error.cause === undefined ? [] : [chain(error.cause)])].join(': ') : String(error);
}
