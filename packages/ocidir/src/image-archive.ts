import { closingOnError, openArchive } from './archive-file.ts';
import { dockerArchiveIn, type DockerArchive } from './docker-archive.ts';
import { LAYOUT_INDEX } from './layout-index.ts';
import { ociArchiveIn, type OciArchive, type OpenOciArchiveOptions } from './oci-archive.ts';

/**
 * Open an archive of images, whatever kind it is: an OCI layout in a tar, or what `docker save` wrote. One that is both, as newer Docker
 * writes it, is taken for a layout.
 *
 * @throws {OciDirError} NOT_A_LAYOUT, NO_INDEX, and those of `openOciArchive` and `openDockerArchive`
 */
export async function openImageArchive(path: string, options: OpenOciArchiveOptions = {}): Promise<OciArchive | DockerArchive> {
  return await closingOnError(await openArchive(path, options), async (archive) => {
    const isLayout = archive.index.find(LAYOUT_INDEX) !== undefined;
    return isLayout ? await ociArchiveIn(archive, path, options) : await dockerArchiveIn(archive, path, options.tag);
  });
}
