import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { CliError, type CommandContext } from '@cfskit/cli-kit';
import { ErofsError, imageId, openImage, readTree, type FormatVersion } from '@cfskit/erofs';
import { objectOf, readDumpfile, walkTree, type Directory } from '@cfskit/fs-tree';
import { algorithmOf, type Algorithm, type ObjectId } from '@cfskit/fs-verity';
import { buildImageTree, inspectImage, openImage as openOciImage } from '@cfskit/oci-import';
import type { Repository } from '@cfskit/repository';
import { locateSubject, type SubjectPlace } from './subject-place.ts';

/** The EROFS image that a tree was read from. */
export interface SubjectImage {
  readonly id: ObjectId;
  /** Of {@link id}: in a repository that of the repository, else that of the digests in the image. */
  readonly algorithm: Algorithm;
  readonly format: FormatVersion;
  readonly bytes: Uint8Array;
}

/** A tree with what is known of where it came from. */
export interface Subject {
  readonly kind: SubjectPlace['kind'];
  readonly root: Directory;
  /** Absent for trees that are no images: directories, dumpfiles, layers without an image. */
  readonly image?: SubjectImage;
}

/** What may be read without knowing how: all but directories. */
export type ImagePlace = Exclude<SubjectPlace, { readonly kind: 'directory' }>;

/**
 * Find an image by what was typed, and read it.
 *
 * @throws as {@link locateSubject} and {@link readSubject}; {CliError} UNSUPPORTED for a directory
 */
export async function openSubject(text: string, repository: Repository | undefined, context: CommandContext): Promise<Subject> {
  const place = await locateSubject(text, repository, context.world.cwd);
  if (place.kind !== 'directory') return readSubject(place, repository, context);
  throw new CliError('UNSUPPORTED', `${place.path} is a directory of this machine, and no image`);
}

/**
 * Read a stored image, an image file or a dumpfile.
 *
 * An OCI image is the EROFS image that is linked to it. If there is none, it is the tree that one would be made of.
 *
 * @throws {ErofsError} {FsTreeError} {OciImportError} {RepositoryError}. Node's own errors.
 */
export function readSubject(place: ImagePlace, repository: Repository | undefined, context: CommandContext): Promise<Subject> {
  switch (place.kind) {
    case 'image-file':
      return readImageFile(place.path, context);
    case 'dumpfile':
      return readDump(place.path, context);
    case 'image':
      return Promise.resolve(readStoredImage('image', place.name, repository!));
    default:
      return readOciImage(place.reference, repository!, context);
  }
}

/** The algorithm of the ids of a tree's objects; undefined if it has none. */
export function algorithmOfTree(root: Directory): Algorithm | undefined {
  for (const { node } of walkTree(root)) {
    const id = node.kind === 'file' ? objectOf(node.content) : undefined;
    if (id !== undefined) return algorithmOf(id);
  }
  return undefined;
}

async function readOciImage(reference: string, repository: Repository, { signal }: CommandContext): Promise<Subject> {
  const { composefsErofs } = await inspectImage(repository, reference);
  if (composefsErofs !== undefined) return readStoredImage('oci-image', composefsErofs, repository);
  return { kind: 'oci-image', root: await buildImageTree(repository, await openOciImage(repository, reference), { signal }) };
}

function readStoredImage(kind: 'image' | 'oci-image', name: string, repository: Repository): Subject {
  const { algorithm } = repository;
  const { id, bytes } = repository.readImage(name);
  const image = openImage(bytes);
  return { kind, root: readTree(image, { algorithm }), image: { id, algorithm, format: image.version, bytes } };
}

const MAX_SIZE = 2 ** 30;

async function readImageFile(path: string, { signal }: CommandContext): Promise<Subject> {
  const { size } = await stat(path);
  if (size > MAX_SIZE) throw new ErofsError('TOO_LARGE', `image of ${size} bytes, at most ${MAX_SIZE} are allowed`);
  const bytes = await readFile(path, { signal });
  const image = openImage(bytes);
  const root = readTree(image);
  const algorithm = algorithmOfTree(root) ?? 'sha256';
  return { kind: 'image-file', root, image: { id: imageId(bytes, algorithm), algorithm, format: image.version, bytes } };
}

async function readDump(path: string, { signal }: CommandContext): Promise<Subject> {
  return { kind: 'dumpfile', root: await readDumpfile(createReadStream(path, { signal })) };
}
