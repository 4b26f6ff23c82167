import { rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { openPartialFile, syncDirectory, type PartialFile } from '@cfskit/linux';
import { appendBlob, BlobVerifier, hashBlobFile, VerifyError, type Descriptor } from '@cfskit/oci-spec';
import { hasCode, OciDirError } from './errors.ts';

/** The rest of a blob. */
export interface BlobRest {
  /** Where `chunks` begin in the blob: at the position that was asked for, or at 0 if the source cannot start there. */
  readonly start: number;
  /** Each is used before the next one is asked for, and not after. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Gives the bytes of a blob from a position on. */
export type OpenBlobAt = (position: number) => Promise<BlobRest> | BlobRest;

/** How a blob is fetched. */
export interface FetchBlobOptions {
  /** Ends the fetch; what has come stays for the next one. */
  readonly signal?: AbortSignal;
  /** Called with the bytes of the blob that are there, those of earlier fetches included: at the start of a resumed fetch, and after each chunk. */
  readonly onProgress?: (present: number) => void;
}

/** What a fetch took. */
export interface FetchedBlob {
  /** Bytes that came from the source. */
  readonly fetched: number;
  /** Bytes that an earlier, interrupted fetch had left. */
  readonly resumed: number;
}

/**
 * Fetch a blob into `directory/name`, and go on where an earlier fetch was interrupted, even killed: what has come so far is in
 * `name.partial`. The name is given only to content whose size and digest are right and that is on the disk.
 *
 * What is left of an earlier fetch is hashed again. If it turns out to be wrong, the blob is fetched once more from its beginning.
 * While somebody else fetches into the same place, or where files cannot be locked, nothing is gone on with, and nothing left behind.
 *
 * @throws {VerifyError} SIZE_MISMATCH, DIGEST_MISMATCH: nothing of it is kept
 * @throws {OciDirError} NOT_A_FILE: something else is in the place of the partial file; and whatever the source throws
 */
export async function fetchBlobFile(
  directory: string,
  name: string,
  descriptor: Descriptor,
  openAt: OpenBlobAt,
  options: FetchBlobOptions = {},
): Promise<FetchedBlob> {
  const { handle, path, isLasting } = await openPartial(join(directory, `${name}.partial`));
  try {
    const fetched = await fetchInto(handle, descriptor, openAt, options);
    await handle.sync();
    await rename(path, join(directory, name)); // while it is locked: until then nobody else writes to it
    await syncDirectory(directory);
    return fetched;
  } catch (error) {
    if (!isLasting || error instanceof VerifyError || (await handle.stat()).size === 0) await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

async function fetchInto(handle: FileHandle, descriptor: Descriptor, openAt: OpenBlobAt, options: FetchBlobOptions): Promise<FetchedBlob> {
  const part = await hashPart(handle, descriptor, options.signal);
  if (part.size === 0) return await append(handle, descriptor, part, openAt, options);
  try {
    return await append(handle, descriptor, part, openAt, options);
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    return await append(handle, descriptor, new BlobVerifier(descriptor), openAt, options); // the old part may be to blame
  }
}

/** A verifier that has seen what is in the file. A file that is too long cannot be part of the blob. */
async function hashPart(handle: FileHandle, descriptor: Descriptor, signal: AbortSignal | undefined): Promise<BlobVerifier> {
  const { size } = await handle.stat();
  const verifier = new BlobVerifier(descriptor);
  if (size > descriptor.size) return verifier;
  await hashBlobFile(handle, verifier, signal);
  return verifier;
}

async function append(
  handle: FileHandle,
  descriptor: Descriptor,
  part: BlobVerifier,
  openAt: OpenBlobAt,
  { signal, onProgress }: FetchBlobOptions,
): Promise<FetchedBlob> {
  if (part.size > 0 && part.size === descriptor.size) {
    part.finish();
    return { fetched: 0, resumed: part.size };
  }
  const { start, chunks } = await openAt(part.size);
  if (start !== 0 && start !== part.size) throw new RangeError(`wanted the blob from ${part.size} on, got it from ${start} on`);
  const verifier = start === part.size ? part : new BlobVerifier(descriptor);
  await handle.truncate(start);
  if (start > 0) onProgress?.(start);
  await appendBlob(handle, chunks, verifier, { ...(signal && { signal }), ...(onProgress && { onProgress }) });
  verifier.finish();
  return { fetched: verifier.size - start, resumed: start };
}

async function openPartial(path: string): Promise<PartialFile> {
  try {
    return await openPartialFile(path);
  } catch (cause) {
    if (!hasCode(cause, 'EEXIST')) throw cause;
    throw new OciDirError('NOT_A_FILE', path, `wanted a regular file, found something else: ${path}`, { cause });
  }
}
