import type { Algorithm, BlockHash } from '@cfskit/fs-verity';
import { nativeBlockHash } from '@cfskit/linux';

/** The native hash of this thread, where there is one. It is made, and tested, once for each algorithm. */
export function nativeHash(algorithm: Algorithm): BlockHash | undefined {
  if (!HASHES.has(algorithm)) HASHES.set(algorithm, nativeBlockHash(algorithm));
  return HASHES.get(algorithm);
}

const HASHES: Map<Algorithm, BlockHash | undefined> = new Map();
