export {
  ALGORITHMS,
  BLOCK_SIZE,
  digestLength,
  formatAlgorithmName,
  formatShortAlgorithmName,
  KERNEL_ID,
  LOG_BLOCK_SIZE,
  parseAlgorithmName,
  parseHashName,
  parseShortAlgorithmName,
} from './algorithm.ts';
export { fsVerityDigest, fsVerityDigestOf } from './digest.ts';
export { FsVerityError } from './errors.ts';
export { FsVerityHasher } from './hasher.ts';
export { algorithmOf, formatObjectId, objectPath, parseObjectId, parseObjectName, parseObjectPath } from './object-id.ts';

export type { Algorithm } from './algorithm.ts';
export type { BlockHash } from './block-hash.ts';
export type { DigestOptions } from './digest.ts';
export type { FsVerityErrorCode } from './errors.ts';
export type { HashOptions } from './hasher.ts';
export type { ObjectId } from './object-id.ts';
