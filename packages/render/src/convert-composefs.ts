import { imageId, writeImage, type FormatVersion } from '@cfskit/erofs';
import { writeDumpfile } from '@cfskit/fs-tree';
import type { ImageSource, ResolveOptions } from '@cfskit/oci-spec';
import { MeteredOutput, openFileOutput, type ByteOutput } from './byte-output.ts';
import { composefsTree, type ComposefsOptions } from './composefs-tree.ts';
import { renderImageOf } from './convert.ts';
import { NOTHING_SKIPPED, type RenderReport } from './output-sink.ts';
import type { RenderImage } from './render-image.ts';

/** Which image, and how it becomes a composefs image. */
export type ConvertComposefsOptions = ComposefsOptions & Pick<ResolveOptions, 'tag' | 'platform' | 'onWarning'>;

/** What came of it. */
export interface ComposefsResult {
  readonly bytes: number;
  /** SHA-256 of the file. */
  readonly digest: string;
  /** Of an EROFS image: its fs-verity digest, which is its id. */
  readonly imageId?: string;
  /** Such images hold everything. */
  readonly report: RenderReport;
}

/**
 * Write the composefs EROFS image of a container image: metadata only, with the digests of the files. Its id is the one that composefs-rs
 * computes. With a `store`, the files go there.
 *
 * @throws {RenderError} and as `writeImage` of `@cfskit/erofs`
 */
export async function convertErofs(
  image: ImageSource | RenderImage,
  to: string | ByteOutput,
  options: ConvertComposefsOptions & { readonly version?: FormatVersion } = {},
): Promise<ComposefsResult> {
  const { version = 1, algorithm = 'sha512' } = options;
  return await intoOutput(to, options.signal, async (output) => {
    const root = await composefsTree(await renderImageOf(image, options), options);
    const bytes = writeImage(root, { version });
    await output.write([bytes]);
    return { imageId: imageId(bytes, algorithm) };
  });
}

/**
 * Write the tree of a container image's composefs image as a dumpfile.
 *
 * @throws {RenderError} and as {@link convertErofs}
 */
export async function convertDumpfile(
  image: ImageSource | RenderImage,
  to: string | ByteOutput,
  options: ConvertComposefsOptions = {},
): Promise<ComposefsResult> {
  return await intoOutput(to, options.signal, async (output) => {
    const root = await composefsTree(await renderImageOf(image, options), options);
    for (const chunk of writeDumpfile(root)) await output.write([chunk]);
    return {};
  });
}

async function intoOutput<T>(
  to: string | ByteOutput,
  signal: AbortSignal | undefined,
  work: (output: MeteredOutput) => Promise<T>,
): Promise<T & Omit<ComposefsResult, 'imageId'>> {
  const output = typeof to === 'string' ? await openFileOutput(to) : to;
  const metered = new MeteredOutput(output, signal);
  try {
    const result = await work(metered);
    signal?.throwIfAborted();
    await output.finish();
    return { ...result, bytes: metered.bytes, digest: metered.digest(), report: NOTHING_SKIPPED };
  } catch (error) {
    await output.abort();
    throw error;
  }
}
