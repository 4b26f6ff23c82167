import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BlobVerifier, digestAlgorithm, parseDigest, VerifyError, type Descriptor } from '@cfskit/oci-spec';
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

/** Opens the blob from a byte on. */
export type OpenFrom = (start: number) => AsyncIterable<Uint8Array>;

const READ_SIZE = 1024 * 1024;

/** Bytes, and buffers, per write; the system takes no more than 1024 of them. */
const BATCH_SIZE = 256 * 1024;
const MAX_PIECES = 1024;

/**
 * Fetch a blob into a file, which gets its name only when size and digest are right and everything is on the disk. Until then the bytes
 * are in `<path>.<beginning of the digest>.partial`: an interrupted download goes on where that ends, after hashing what is there.
 * If the whole turns out wrong, it is fetched once more from the beginning. One process at a time per path.
 *
 * @throws {VerifyError} SIZE_MISMATCH, DIGEST_MISMATCH, and what `openFrom` throws
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
  const partial = partialPath(path, digest);
  const result = await fetchTwice(partial, descriptor, openFrom, reporter, signal);
  await rename(partial, path);
  await syncDirectory(dirname(path));
  reporter.report({ type: 'done', id: digest, transferred: result.bytesFetched });
  return { state: 'downloaded', ...result };
}

type Fetched = Omit<Download, 'state'>;

function partialPath(path: string, digest: string): string {
  return `${path}.${parseDigest(digest).encoded.slice(0, 16)}.partial`;
}

/** A part left over from before may be damaged, or its registry was. */
async function fetchTwice(
  partial: string,
  descriptor: Descriptor,
  openFrom: OpenFrom,
  reporter: Reporter,
  signal: AbortSignal | undefined,
): Promise<Fetched> {
  try {
    return await fetchInto(partial, descriptor, openFrom, reporter, signal);
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    await rm(partial, { force: true });
    reporter.report({ type: 'message', text: `${error.message}; fetching it once more` });
  }
  try {
    return await fetchInto(partial, descriptor, openFrom, reporter, signal);
  } catch (error) {
    if (error instanceof VerifyError) await rm(partial, { force: true });
    throw error;
  }
}

async function fetchInto(
  partial: string,
  descriptor: Descriptor,
  openFrom: OpenFrom,
  reporter: Reporter,
  signal: AbortSignal | undefined,
): Promise<Fetched> {
  const file = await open(partial, 'a+', 0o644);
  try {
    const verifier = new BlobVerifier(descriptor);
    const bytesResumed = await hashFile(file, verifier, signal);
    await append(file, openFrom(bytesResumed), verifier, (at) =>
      reporter.report({ type: 'progress', id: descriptor.digest, fetched: at, total: descriptor.size }),
    );
    verifier.finish();
    await file.sync();
    return { bytesResumed, bytesFetched: descriptor.size - bytesResumed };
  } finally {
    await file.close();
  }
}

/** Hash what is there; throws if that is too much already. */
async function hashFile(file: FileHandle, verifier: BlobVerifier, signal: AbortSignal | undefined): Promise<number> {
  const buffer = new Uint8Array(READ_SIZE);
  let at = 0;
  for (;;) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, READ_SIZE, at);
    if (bytesRead === 0) return at;
    verifier.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

/** A batch is written while the next one comes in and is hashed. Without copying: that is what the pieces are collected for. */
async function append(
  file: FileHandle,
  source: AsyncIterable<Uint8Array>,
  verifier: BlobVerifier,
  onProgress: (at: number) => void,
): Promise<void> {
  let writing = Promise.resolve();
  let batch: Uint8Array[] = [];
  let size = 0;
  const flush = async (): Promise<void> => {
    await writing;
    writing = writeAll(file, batch, size);
    writing.catch(() => undefined); // looked at when the next batch is ready
    batch = [];
    size = 0;
    onProgress(verifier.size);
  };
  try {
    for await (const piece of source) {
      verifier.update(piece);
      batch.push(piece);
      size += piece.byteLength;
      if (size >= BATCH_SIZE || batch.length === MAX_PIECES) await flush();
    }
  } finally {
    if (size > 0) await flush();
    await writing;
  }
}

async function writeAll(file: FileHandle, pieces: readonly Uint8Array[], size: number): Promise<void> {
  const { bytesWritten } = await file.writev([...pieces]);
  if (bytesWritten === size) return;
  const rest = Buffer.concat(pieces, size).subarray(bytesWritten);
  await file.appendFile(rest); // a disk that is nearly full takes a part; this says why
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
    await hashFile(file, verifier, signal);
    verifier.finish();
    return true;
  } catch (error) {
    if (error instanceof VerifyError) return false;
    throw error;
  } finally {
    await file.close();
  }
}

/** So that the new name survives a crash too. Windows has no such call for directories. */
export async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (error) {
    if (!hasCode(error, 'EPERM', 'EISDIR', 'EACCES', 'EINVAL')) throw error;
  }
}
