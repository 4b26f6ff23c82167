import { archiveBlob } from './archive-blob.ts';
import { closingOnError, openArchive, type Archive, type OpenArchiveOptions } from './archive-file.ts';
import { blobPath } from './blob.ts';
import { OciDirError } from './errors.ts';
import { complaintAboutHeader, LAYOUT_HEADER } from './layout-header.ts';
import { LAYOUT_INDEX } from './layout-index.ts';
import { LayoutReader } from './layout-reader.ts';
import type { LayoutStore } from './layout-store.ts';
import type { OpenOciDirOptions } from './oci-dir.ts';

/** How an OCI layout in a tar is opened. */
export interface OpenOciArchiveOptions extends OpenOciDirOptions, OpenArchiveOptions {}

/**
 * Open the OCI image layout in a tar, as skopeo's `oci-archive:`, buildah, podman and `docker save` write it. The headers are read once,
 * contents only when they are asked for, in place; nothing is unpacked. A tar compressed with gzip or zstd is first unpacked into a file
 * without a name.
 *
 * The file stays open until {@link OciArchive.close}.
 *
 * @throws {OciDirError} NOT_A_LAYOUT, NOT_A_FILE, INVALID_ARCHIVE, TRUNCATED_ARCHIVE, ARCHIVE_LIMIT, or LAYOUT_VERSION when `strict`
 */
export async function openOciArchive(path: string, options: OpenOciArchiveOptions = {}): Promise<OciArchive> {
  return await closingOnError(await openArchive(path, options), (archive) => ociArchiveIn(archive, path, options));
}

/** The layout in an archive that has been scanned. */
export async function ociArchiveIn(archive: Archive, path: string, options: OpenOciDirOptions): Promise<OciArchive> {
  requireLayout(archive, path);
  const store = storeOf(archive);
  const complaint = await complaintAboutHeader(store.readFile);
  if (complaint !== undefined && options.strict === true) throw new OciDirError('LAYOUT_VERSION', path, complaint);
  return new OciArchive({ transport: 'oci-archive', path, store, tag: options.tag, complaint });
}

/** An OCI image layout in a tar, for reading. Made by {@link openOciArchive}. */
export class OciArchive extends LayoutReader {}

function storeOf(archive: Archive): LayoutStore {
  return {
    readFile: (path, limit) => archive.read(path, limit),
    async *blobChunks(descriptor, signal) {
      signal?.throwIfAborted();
      const path = blobPath(descriptor.digest);
      yield* archiveBlob(archive, path, archive.index.find(path), descriptor, signal);
    },
    close: () => archive.close(),
  };
}

function requireLayout({ index }: Archive, path: string): void {
  if (index.find(LAYOUT_INDEX) !== undefined || index.find(LAYOUT_HEADER) !== undefined) return;
  const hint = index.find('manifest.json') === undefined ? '' : `; it looks like one of docker-save: docker-archive:${path}`;
  throw new OciDirError('NOT_A_LAYOUT', path, `${path} is an archive, but not of an OCI layout${hint}`);
}
