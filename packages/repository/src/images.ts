import { readFully } from '@cfskit/linux';
import { formatObjectId, fsVerityDigest, parseObjectId, type ObjectId } from '@cfskit/fs-verity';
import { closeSync, fstatSync } from 'node:fs';
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

/** An image and its content, which is what the id says. */
export interface ReadImage {
  readonly id: ObjectId;
  readonly bytes: Uint8Array<ArrayBuffer>;
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
  const { id, fd } = openImageFile(context, name);
  closeSync(fd);
  return { id, path: context.objects.pathOf(id), requireVerity: context.secure };
}

/**
 * The same, with the content.
 *
 * @throws {RepositoryError} as {@link openImage}; TOO_LARGE
 */
export function readImage(context: RepositoryContext, name: string): ReadImage {
  const { id, fd, content } = openImageFile(context, name);
  try {
    return { id, bytes: content ?? readContent(fd, name) };
  } finally {
    closeSync(fd);
  }
}

/** The file of an image, open for reading and checked. The caller closes it. */
export interface ImageFile {
  readonly id: ObjectId;
  readonly fd: number;
  /** What it holds, where it had to be read for the check. */
  readonly content?: Uint8Array<ArrayBuffer>;
}

/** @throws {RepositoryError} as {@link openImage}; TOO_LARGE */
export function openImageFile(context: RepositoryContext, name: string): ImageFile {
  const { id, wanted = id } = resolveImage(context, name);
  if (wanted !== id) throw mismatch(name, wanted, id);
  const fd = context.objects.openSync(id);
  if (context.secure) return { id, fd };
  try {
    const content = readContent(fd, name);
    const found = fsVerityDigest(content, context.algorithm);
    if (found !== id) throw mismatch(name, id, found);
    return { id, fd, content };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
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

function readContent(fd: number, name: string): Uint8Array<ArrayBuffer> {
  const { size } = fstatSync(fd);
  if (size > MAX_IMAGE_SIZE) {
    throw new RepositoryError('TOO_LARGE', `images/${name}`, `wanted at most ${MAX_IMAGE_SIZE} bytes, found ${size}`);
  }
  const bytes = new Uint8Array(size);
  return bytes.subarray(0, readFully(fd, bytes, 0));
}

function mismatch(name: string, wanted: ObjectId, found: ObjectId): RepositoryError {
  const message = `fs-verity content mismatch: wanted ${formatObjectId(wanted)}, found ${formatObjectId(found)}`;
  return new RepositoryError('CORRUPT_OBJECT', `images/${name}`, message);
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
