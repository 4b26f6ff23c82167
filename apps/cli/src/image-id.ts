import type { CommandContext } from '@cfskit/cli-kit';
import { ErofsError, FORMAT_VERSIONS, imageId, writeImage, type FormatVersion } from '@cfskit/erofs';
import { checkTree, transformForOci, XATTR_MODES, type Directory, type XattrMode } from '@cfskit/fs-tree';
import { ALGORITHMS, type Algorithm, type ObjectId } from '@cfskit/fs-verity';

/** The option of commands that compute an id: all ids there could be, in place of one. */
export const explainOption = {
  explain: {
    type: 'boolean',
    description: 'Print the ids of every format, xattr mode and algorithm: one of them may be the one you look for',
  },
} as const;

/** What an id depends on besides the tree. */
interface IdSettings {
  readonly format: FormatVersion;
  readonly algorithm: Algorithm;
  /** Absent for a tree that is taken as it is. */
  readonly xattrs?: XattrMode;
}

/** The id that a tree has under some settings, or why it has none. */
export interface IdCandidate extends IdSettings {
  readonly imageId?: ObjectId;
  readonly reason?: string;
}

/** The format that `--erofs-version` asks for. */
export function requestedFormat(values: { readonly 'erofs-version': string | undefined }): FormatVersion | undefined {
  return FORMAT_VERSIONS.find((version) => String(version) === values['erofs-version']);
}

/**
 * The id of the image of a tree.
 *
 * @throws {FsTreeError} {ErofsError} UNWRITABLE for a tree that the format cannot hold
 */
export function computeImageId(root: Directory, format: FormatVersion, algorithm: Algorithm): ObjectId {
  checkTree(root);
  return imageId(writeImage(root, { version: format }), algorithm);
}

/**
 * Every id that a tree could have: formats, xattr modes and algorithms, in this order.
 *
 * @param readTree the tree with ids of an algorithm, not transformed yet; a new one each time
 * @param transform whether the tree is one of layers or of a container's root; otherwise it is taken as it is, and there are no xattr modes
 */
export async function candidateIds(readTree: (algorithm: Algorithm) => Promise<Directory>, transform: boolean): Promise<IdCandidate[]> {
  const candidates: IdCandidate[] = [];
  for (const algorithm of ALGORITHMS) {
    const root = await readTree(algorithm);
    // The mode that keeps more comes first: what is done to the tree then is also the beginning of the other.
    for (const xattrs of transform ? XATTR_MODES.toReversed() : [undefined]) {
      if (xattrs !== undefined) transformForOci(root, xattrs);
      for (const format of FORMAT_VERSIONS)
        candidates.push(candidateId(root, { format, algorithm, ...(xattrs !== undefined && { xattrs }) }));
    }
  }
  return candidates.toSorted(compareSettings);
}

/** Print an id, and in JSON what it was computed with. */
export function printImageId(found: IdSettings & { readonly imageId: ObjectId }, context: CommandContext): Promise<void> {
  return context.print({ json: () => candidateJson(found), text: () => [found.imageId] });
}

/** Print all candidates: a table, or JSON. */
export function printCandidates(candidates: readonly IdCandidate[], context: CommandContext): Promise<void> {
  const rows = candidates.map(({ format, xattrs, algorithm, imageId: id, reason }) => [
    String(format),
    xattrs ?? 'all',
    algorithm,
    id ?? `none: ${reason}`,
  ]);
  return context.print({
    json: () => ({ candidates: candidates.map(candidateJson) }),
    text: () => context.table({ head: ['FORMAT', 'XATTRS', 'ALGORITHM', 'ID'], rows }),
  });
}

function candidateJson({ imageId: id, format, algorithm, xattrs, reason }: IdCandidate): Readonly<Record<string, unknown>> {
  return {
    ...(id !== undefined && { image_id: id }),
    format,
    algorithm,
    ...(xattrs !== undefined && { xattrs }),
    ...(reason !== undefined && { reason }),
  };
}

/** A tree that one format cannot hold has an id in another. */
function candidateId(root: Directory, settings: IdSettings): IdCandidate {
  try {
    return { ...settings, imageId: computeImageId(root, settings.format, settings.algorithm) };
  } catch (error) {
    if (!(error instanceof ErofsError)) throw error;
    return { ...settings, reason: error.message };
  }
}

function compareSettings(a: IdSettings, b: IdSettings): number {
  const modes = (settings: IdSettings): number => XATTR_MODES.findIndex((mode) => mode === settings.xattrs);
  return a.format - b.format || modes(a) - modes(b) || ALGORITHMS.indexOf(a.algorithm) - ALGORITHMS.indexOf(b.algorithm);
}
