import type { Algorithm, ObjectId } from '@cfskit/fs-verity';
import type { ByteSource } from './byte-source.ts';
import { EpochCheck } from './check-image.ts';
import { openImage, type OpenOptions } from './image.ts';
import type { OverlayState } from './overlay-state.ts';
import { objectOfPath } from './overlay.ts';
import { walkImage } from './walk-image.ts';

/**
 * Every object that an image refers to: the digests that it expects, and the objects that its redirects lead to. The image is checked as
 * `checkImage` does, but for link counts of files, which mkcomposefs takes from dumpfiles. A repository can have this function collect what
 * must not be removed.
 *
 * @param algorithm of the digests; an image with others is refused
 * @throws {ErofsError} for an image that is none, or not a sound one
 */
export function readObjectIds(source: Uint8Array | ByteSource, algorithm: Algorithm, options: OpenOptions = {}): Set<ObjectId> {
  const image = openImage(source, options);
  const check = new EpochCheck(image);
  const ids = new Set<ObjectId>();
  for (const visit of walkImage(image, { profile: 'c', algorithm })) {
    check.visit(visit);
    if (visit.attributes !== undefined) addObjects(ids, visit.attributes.overlay, algorithm);
  }
  check.finish();
  return ids;
}

function addObjects(ids: Set<ObjectId>, { objectId, payload }: OverlayState, algorithm: Algorithm): void {
  if (objectId !== undefined) ids.add(objectId);
  const redirected = payload === undefined ? undefined : objectOfPath(payload, algorithm);
  if (redirected !== undefined) ids.add(redirected);
}
