import { formatObjectId, fsVerityDigest, parseObjectId, type ObjectId } from '@cfskit/fs-verity';
import { MAX_IMAGE_SIZE, type RepositoryContext } from './context.ts';
import { firstLevel } from './directory.ts';
import { hasCode, RepositoryError } from './errors.ts';
import { checkRefName } from './names.ts';
import { followLink } from './names-on-disk.ts';
import { listRefs, refTarget } from './refs.ts';

/** An EROFS image of the repository. */
export interface ImageEntry {
  readonly id: ObjectId;
  /** Names of the references to it, in the order of their paths. */
  readonly refs: readonly string[];
}

/** An image that has been looked up by name. */
export interface OpenedImage {
  readonly id: ObjectId;
  /** The file that holds it. */
  readonly path: string;
  /** Whether a mount must demand fs-verity of every file: in a secure repository always. */
  readonly requireVerity: boolean;
}

/** All images, in the order of their ids, with the references to each. Entries that are no images are left out. */
export function listImages({ path, algorithm }: RepositoryContext): readonly ImageEntry[] {
  const refs = Map.groupBy(listRefs(path, '', 'images'), ({ target }) => refTarget(target));
  return firstLevel(path, 'images').flatMap(({ kind, name }) => {
    const id = kind === 'Symlink' && name !== undefined ? imageId(name, algorithm) : undefined;
    return id === undefined ? [] : [{ id, refs: refs.get(name ?? '')?.map((ref) => ref.name) ?? [] }];
  });
}

/**
 * Find an image by its id, by `refs/` and the name of a reference, or by such a name alone. Its content is checked: by the kernel where the
 * object has verity, else by hashing it.
 *
 * @throws {RepositoryError} NOT_FOUND `image not found: …`; INVALID_NAME; CORRUPT_OBJECT `fs-verity content mismatch`; VERITY_MISSING
 */
export function openImage(context: RepositoryContext, name: string): OpenedImage {
  const { id, wanted } = resolveImage(context, name);
  const { objects } = context;
  const content = objects.readSync(id, { limit: MAX_IMAGE_SIZE });
  const found = context.secure ? id : fsVerityDigest(content, context.algorithm);
  if (found !== id || (wanted ?? id) !== id) {
    const message = `fs-verity content mismatch: wanted ${formatObjectId(wanted ?? id)}, found ${formatObjectId(found)}`;
    throw new RepositoryError('CORRUPT_OBJECT', `images/${name}`, message);
  }
  return { id, path: objects.pathOf(id), requireVerity: context.secure };
}

/** An image name in `images/` as an id; undefined if it is none. */
export function imageId(name: string, algorithm: RepositoryContext['algorithm']): ObjectId | undefined {
  try {
    return name.includes(':') ? undefined : parseObjectId(name, algorithm);
  } catch (error) {
    if (hasCode(error, 'ODD_LENGTH', 'INVALID_STRING_LENGTH', 'INVALID_HEX_CHARACTER')) return undefined;
    throw error;
  }
}

/** An id is looked for among the images first, then among the references: names may look like anything. */
function resolveImage(
  { path, algorithm }: RepositoryContext,
  name: string,
): { readonly id: ObjectId; readonly wanted: ObjectId | undefined } {
  const ref = name.startsWith('refs/') ? name.slice('refs/'.length) : name;
  checkRefName(ref);
  const wanted = ref === name ? imageId(name, algorithm) : undefined;
  const candidates = wanted === undefined ? [`images/refs/${ref}`] : [`images/${wanted}`, `images/refs/${ref}`];
  for (const [index, candidate] of candidates.entries()) {
    try {
      return { id: followLink(path, candidate, algorithm), wanted: index === 0 ? wanted : undefined };
    } catch (error) {
      if (!hasCode(error, 'NOT_FOUND')) throw error;
    }
  }
  throw new RepositoryError('NOT_FOUND', `images/${name}`, `image not found: ${name}`);
}
