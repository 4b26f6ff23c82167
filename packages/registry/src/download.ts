import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openPartialFile, syncDirectory } from '@cfskit/linux';
import { appendBlob, BlobVerifier, digestAlgorithm, hashBlobFile, parseDigest, VerifyError, type Descriptor } from '@cfskit/oci-spec';
import { nullReporter, type Reporter } from '@cfskit/progress';
import { hasCode } from './errors.ts';

/** How a download went. */
export interface Download {
  /** `present`: the file was there already, and right. */
  readonly state: 'present' | 'downloaded';
  /** Fetched now. */
  readonly bytesFetched: number;
  /** Found in the file of an earlier, interrupted download. */
  readonly bytesResumed: number;
}

/** What a download does besides. */
export interface DownloadOptions {
  /** Told of `started`, `progress` and `done` or `skipped`; the id is the blob's digest. */
  readonly reporter?: Reporter;
  readonly signal?: AbortSignal;
}

/** Opens the blob from a byte on. Each piece is used before the next one is asked for, and not after. */
export type OpenFrom = (start: number) => AsyncIterable<Uint8Array>;

/**
 * Fetch a blob into a file, which gets its name only when size and digest are right and everything is on the disk. Until then the bytes
 * are in `<path>.<beginning of the digest>.partial`: an interrupted download goes on where that ends, after hashing what is there.
 * If the whole turns out wrong, it is fetched once more from the beginning. While another process has that file, or where files cannot be
 * locked, a download has one of its own, and leaves nothing of it.
 *
 * @throws {VerifyError} SIZE_MISMATCH, DIGEST_MISMATCH {LinuxError} EEXIST: something else is in the place of the partial file; and what
 *   `openFrom` throws
 */
export async function downloadFile(
  path: string,
  descriptor: Descriptor,
  openFrom: OpenFrom,
  options: DownloadOptions = {},
): Promise<Download> {
  digestAlgorithm(descriptor.digest);
  const { reporter = nullReporter, signal } = options;
  const { digest, size } = descriptor;
  if (await hasContent(path, descriptor, signal)) {
    reporter.report({ type: 'skipped', id: digest });
    return { state: 'present', bytesFetched: 0, bytesResumed: 0 };
  }
  reporter.report({ type: 'started', id: digest, total: size, unit: 'bytes' });
  const result = await fetchTo(path, { descriptor, openFrom, reporter, signal });
  reporter.report({ type: 'done', id: digest, transferred: result.bytesFetched });
  return { state: 'downloaded', ...result };
}

type Fetched = Omit<Download, 'state'>;

/** What is fetched, and how. */
interface Job {
  readonly descriptor: Descriptor;
  readonly openFrom: OpenFrom;
  readonly reporter: Reporter;
  readonly signal: AbortSignal | undefined;
}

function partialPath(path: string, digest: string): string {
  return `${path}.${parseDigest(digest).encoded.slice(0, 16)}.partial`;
}

async function fetchTo(path: string, job: Job): Promise<Fetched> {
  const partial = await openPartialFile(partialPath(path, job.descriptor.digest));
  try {
    const result = await fetchTwice(partial.handle, job);
    await partial.handle.sync();
    await rename(partial.path, path); // while it is locked: until then nobody else writes to it
    await syncDirectory(dirname(path));
    return result;
  } catch (error) {
    if (!partial.isLasting || error instanceof VerifyError) await rm(partial.path, { force: true });
    throw error;
  } finally {
    await partial.handle.close();
  }
}

/** A part left over from before may be damaged, or its registry was. */
async function fetchTwice(file: FileHandle, job: Job): Promise<Fetched> {
  try {
    return await fetchInto(file, job);
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    await file.truncate(0);
    job.reporter.report({ type: 'message', text: `${error.message}; fetching it once more` });
  }
  return await fetchInto(file, job);
}

async function fetchInto(file: FileHandle, { descriptor, openFrom, reporter, signal }: Job): Promise<Fetched> {
  const verifier = new BlobVerifier(descriptor);
  await hashBlobFile(file, verifier, signal);
  const bytesResumed = verifier.size;
  await appendBlob(file, openFrom(bytesResumed), verifier, {
    onProgress: (at) => reporter.report({ type: 'progress', id: descriptor.digest, fetched: at, total: descriptor.size }),
  });
  verifier.finish();
  return { bytesResumed, bytesFetched: descriptor.size - bytesResumed };
}

async function hasContent(path: string, descriptor: Descriptor, signal: AbortSignal | undefined): Promise<boolean> {
  const stats = await stat(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (stats === undefined || !stats.isFile() || stats.size !== descriptor.size) return false;
  const file = await open(path, 'r');
  try {
    const verifier = new BlobVerifier(descriptor);
    await hashBlobFile(file, verifier, signal);
    verifier.finish();
    return true;
  } catch (error) {
    if (error instanceof VerifyError) return false;
    throw error;
  } finally {
    await file.close();
  }
}
