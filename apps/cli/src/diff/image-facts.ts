import { writeImage, type Profile } from '@cfskit/erofs';
import type { Directory } from '@cfskit/fs-tree';
import type { Subject, SubjectImage } from '../subject.ts';

/** What of an image is no part of its tree: two settings, and the bytes where nothing else differs. */
export const IMAGE_FIELDS = ['format', 'algorithm', 'bytes'] as const;

/** One of them. */
export type ImageField = (typeof IMAGE_FIELDS)[number];

/** A difference of two images as files. The values are texts. */
export interface ImageDifference {
  readonly field: ImageField;
  readonly a: string;
  readonly b: string;
}

/** Which program writes the bytes of an image from its tree, if one does. */
export type Writer = Profile | 'both' | undefined;

/** The settings in which two images differ: format, and algorithm of the digests. */
export function* compareSettings({ image: a }: Subject, { image: b }: Subject): Generator<ImageDifference, void> {
  if (a === undefined || b === undefined) return;
  if (a.format !== b.format) yield { field: 'format', a: String(a.format), b: String(b.format) };
  if (a.algorithm !== b.algorithm) yield { field: 'algorithm', a: a.algorithm, b: b.algorithm };
}

/** The ids of two images of the same settings, if they differ. */
export function* compareBytes({ image: a }: Subject, { image: b }: Subject): Generator<ImageDifference, void> {
  if (a === undefined || b === undefined || a.format !== b.format || a.algorithm !== b.algorithm) return;
  if (a.id !== b.id) yield { field: 'bytes', a: a.id, b: b.id };
}

/**
 * Find out who writes these very bytes from this tree.
 *
 * Takes as long as writing the image once for each of them.
 */
export function writerOf(root: Directory, image: SubjectImage): Writer {
  const asRust = writes(root, image, 'rs');
  const asC = image.format !== 2 && writes(root, image, 'c');
  return asRust && asC ? 'both' : asRust ? 'rs' : asC ? 'c' : undefined;
}

/** The offset at which two images first differ. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) if (a[at] !== b[at]) return at;
  return length;
}

function writes(root: Directory, { format, bytes }: SubjectImage, profile: Profile): boolean {
  try {
    return Buffer.from(writeImage(root, { version: format, profile })).equals(bytes);
  } catch {
    return false; // what cannot be written is not what was written
  }
}
