import { applyLayers, layerEntryOf, transformForOci, type Directory, type LayerEntry, type XattrMode } from '@cfskit/fs-tree';
import { listLayer, openImage } from '@cfskit/oci-import';
import type { Repository } from '@cfskit/repository';

/**
 * The tree of a stored OCI image, as its EROFS image has it: layers applied in the order of their archives, then transformed.
 *
 * @throws {OciImportError} {TarSplitError} {FsTreeError} {RepositoryError}
 */
export async function readOciTree(repository: Repository, reference: string, xattrs?: XattrMode): Promise<Directory> {
  const { layers } = await openImage(repository, reference);
  const { root } = await applyLayers(
    layers.map(({ id }) => layerEntries(repository, id)),
    { policy: 'archive-order' },
  );
  transformForOci(root, xattrs);
  return root;
}

async function* layerEntries(repository: Repository, diffId: string): AsyncGenerator<LayerEntry, void> {
  for await (const entry of listLayer(repository, diffId)) yield layerEntryOf(entry);
}
