import { digestAlgorithm, OciSpecError, parseDigest, type Descriptor } from '@cfskit/oci-spec';
import { OciDirError } from './errors.ts';
import { fileChunks } from './file-chunks.ts';
import { openInside } from './layout-directory.ts';

/**
 * Where a layout keeps a blob, relative to its root. The digest's grammar allows no separators, so this never leaves the directory.
 *
 * @throws {OciDirError} UNSUPPORTED_DIGEST: no digest, or one that names an algorithm that cannot be checked
 */
export function blobPath(digest: string): string {
  try {
    digestAlgorithm(digest);
  } catch (cause) {
    if (!(cause instanceof OciSpecError)) throw cause;
    const message = `Expected digest algorithm sha256 but found ${digest} (sha384 and sha512 are read too)`;
    throw new OciDirError('UNSUPPORTED_DIGEST', 'blobs', message, { digest, cause });
  }
  const { algorithm, encoded } = parseDigest(digest);
  return `blobs/${algorithm}/${encoded}`;
}

/**
 * The bytes of a blob as they are on disk, where a layout keeps it; see {@link fileBlobChunks}.
 *
 * @throws {OciDirError} UNSUPPORTED_DIGEST
 */
export async function* blobChunks(root: string, descriptor: Descriptor, signal?: AbortSignal): AsyncGenerator<Uint8Array, void> {
  yield* fileBlobChunks(root, blobPath(descriptor.digest), descriptor, signal);
}

/**
 * The bytes of a file that holds a blob: not hashed, but exactly as many as the descriptor says.
 *
 * @param path relative to `root`
 *
 * @throws {OciDirError} BLOB_NOT_FOUND, FOREIGN_LAYER, NOT_A_FILE, OUTSIDE_LAYOUT; SIZE_MISMATCH also when the file changes meanwhile
 */
export async function* fileBlobChunks(
  root: string,
  path: string,
  descriptor: Descriptor,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void> {
  signal?.throwIfAborted();
  const { size } = descriptor;
  const file = await openInside(root, path);
  if (file === undefined) throw blobNotFound(path, descriptor);
  try {
    if (file.size !== size) throw sizeMismatch(path, descriptor, `${file.size}`);
    let at = 0;
    // One more byte is asked for, so that a file that has grown is noticed.
    for await (const chunk of fileChunks(file.handle, 0, size + 1, signal)) {
      at += chunk.byteLength;
      if (at > size) throw sizeMismatch(path, descriptor, `at least ${at}`);
      yield chunk;
    }
    if (at < size) throw sizeMismatch(path, descriptor, `${at}`);
  } finally {
    await file.handle.close();
  }
}

/** Whether the layout has a file of the right size for this blob. Its content is not looked at. */
export async function hasBlobFile(root: string, { digest, size }: Descriptor): Promise<boolean> {
  const file = await openInside(root, blobPath(digest));
  await file?.handle.close();
  return file?.size === size;
}

/** There is no such blob, and where it can be had instead if its descriptor says so. */
export function blobNotFound(path: string, { digest, urls }: Descriptor): OciDirError {
  const [url] = urls ?? [];
  if (url === undefined) return new OciDirError('BLOB_NOT_FOUND', path, `no such blob: ${digest}`, { digest });
  const message = `no such blob: ${digest} is a foreign layer, which is kept elsewhere, at ${originOf(url)}`;
  return new OciDirError('FOREIGN_LAYER', path, message, { digest });
}

/** Without path and query, which may hold secrets. */
function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : 'an address that cannot be read';
}

/** A blob has another size than its descriptor says. */
export function sizeMismatch(path: string, { digest, size }: Descriptor, found: string): OciDirError {
  return new OciDirError('SIZE_MISMATCH', path, `Expected size ${size} but found ${found}: blob ${digest}`, { digest });
}
