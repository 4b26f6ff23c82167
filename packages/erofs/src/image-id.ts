import { fsVerityDigest, type Algorithm, type ObjectId } from '@cfskit/fs-verity';

/** The id of an image: the fs-verity digest of its file. */
export function imageId(image: Uint8Array, algorithm: Algorithm): ObjectId {
  return fsVerityDigest(image, algorithm);
}
