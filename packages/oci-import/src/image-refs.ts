import type { ObjectId } from '@cfskit/fs-verity';
import type { ErofsFormat } from '@cfskit/repository';

/** References of a config stream with this prefix lead to EROFS images, all others to layers. */
const IMAGE_REF = 'composefs.image';
/** Images for booting; whatever follows says of which kind. */
const BOOT_IMAGE_REF = `${IMAGE_REF}.boot`;

/** A name and the stream or image it refers to, as it enters a stream's table. */
export type NamedRef = readonly [name: string, id: ObjectId];

/** One EROFS image that has been stored. */
export interface BuiltImage {
  readonly format: ErofsFormat;
  readonly id: ObjectId;
}

/** Under which name a config stream refers to its image of a format. Formats 0 and 1 share one. Spec: oci-import 13.2. */
function imageRefName(format: ErofsFormat): string {
  return format === 2 ? IMAGE_REF : `${IMAGE_REF}.v1`;
}

/** The image of a format, if one is linked. An image of the other name does not stand in for it. */
export function linkedImage(refs: ReadonlyMap<string, ObjectId>, format: ErofsFormat): ObjectId | undefined {
  return refs.get(imageRefName(format));
}

/** The image for booting, of the default kind. */
export function linkedBootImage(refs: ReadonlyMap<string, ObjectId>, format: ErofsFormat): ObjectId | undefined {
  return refs.get(format === 2 ? BOOT_IMAGE_REF : `${BOOT_IMAGE_REF}.v1`);
}

/** The images of a config that are not for booting, in the order of their names. */
export function plainImages(refs: ReadonlyMap<string, ObjectId>): readonly NamedRef[] {
  return [imageRefName(2), imageRefName(1)].filter((name) => refs.has(name)).map((name) => [name, refs.get(name)!]);
}

/** All references of a config stream that lead to images, in the order in which they are written: plain ones, then those for booting, sorted. */
export function imageRefs(refs: ReadonlyMap<string, ObjectId>): readonly NamedRef[] {
  return [...plainImages(refs), ...bootImages(refs)];
}

/**
 * The references to images that a config stream gets when images have been built: these in place of all plain ones, and those for booting
 * as they were. Of two images that share a name the first is linked.
 */
export function refsToImages(built: readonly BuiltImage[], before: ReadonlyMap<string, ObjectId>): readonly NamedRef[] {
  const byName = new Map(built.toReversed().map(({ format, id }) => [imageRefName(format), id]));
  return [...plainImages(byName), ...bootImages(before)];
}

function bootImages(refs: ReadonlyMap<string, ObjectId>): readonly NamedRef[] {
  const plain = new Set([imageRefName(2), imageRefName(1)]);
  const names = [...refs.keys()].filter((name) => name.startsWith(IMAGE_REF) && !plain.has(name));
  return names.toSorted().map((name) => [name, refs.get(name)!]);
}
