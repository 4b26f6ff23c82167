import { FsVerityError } from './errors.ts';

/** Hash algorithm of a repository: of its blocks, trees, descriptors and thus of its object ids. */
export type Algorithm = 'sha256' | 'sha512';

/** All of them, in the order of their kernel numbers. */
export const ALGORITHMS: readonly Algorithm[] = ['sha256', 'sha512'];

/** The kernel's number of each algorithm, as it stands in descriptors, ioctl arguments and splitstream headers. */
export const KERNEL_ID: Readonly<Record<Algorithm, number>> = { sha256: 1, sha512: 2 };

/** Bytes of a block, of data and of tree alike. There is no other size in composefs. */
export const BLOCK_SIZE = 4096;

/** Logarithm of {@link BLOCK_SIZE} to base 2, as files hold it. */
export const LOG_BLOCK_SIZE = 12;

/** Bytes of a digest: 32 or 64. Its hex form, the object id, has twice as many characters. */
export function digestLength(algorithm: Algorithm): number {
  return algorithm === 'sha256' ? 32 : 64;
}

/**
 * Read `fsverity-<hash>-<log2 of the block size>`, the form of meta.json. Block sizes are judged before the hash, as the reference does;
 * like its number parser, this one takes leading zeros and a plus sign.
 *
 * @throws {FsVerityError} MISSING_PREFIX, MISSING_SEPARATOR, INVALID_BLOCK_SIZE, UNSUPPORTED_BLOCK_SIZE, UNKNOWN_HASH
 */
export function parseAlgorithmName(name: string): Algorithm {
  if (!name.startsWith(PREFIX)) throw new FsVerityError('MISSING_PREFIX', "algorithm must start with 'fsverity-'");
  const rest = name.slice(PREFIX.length);
  const dash = rest.lastIndexOf('-');
  if (dash < 0) throw new FsVerityError('MISSING_SEPARATOR', "algorithm must be 'fsverity-<hash>-<lg_blocksize>'");
  checkBlockSize(rest.slice(dash + 1));
  return parseHashName(rest.slice(0, dash));
}

/** `fsverity-sha256-12` or `fsverity-sha512-12`. */
export function formatAlgorithmName(algorithm: Algorithm): string {
  return PREFIX + formatShortAlgorithmName(algorithm);
}

/**
 * Read `<hash>-<log2 of the block size>`, the form inside boot parameters.
 *
 * @throws {FsVerityError} as {@link parseAlgorithmName}
 */
export function parseShortAlgorithmName(name: string): Algorithm {
  return parseAlgorithmName(PREFIX + name);
}

/** `sha256-12` or `sha512-12`. */
export function formatShortAlgorithmName(algorithm: Algorithm): string {
  return `${algorithm}-${LOG_BLOCK_SIZE}`;
}

/**
 * Read `sha256` or `sha512`.
 *
 * @throws {FsVerityError} UNKNOWN_HASH
 */
export function parseHashName(name: string): Algorithm {
  if (name === 'sha256' || name === 'sha512') return name;
  throw new FsVerityError('UNKNOWN_HASH', `unsupported hash algorithm '${name}' (expected sha256 or sha512)`);
}

function checkBlockSize(text: string): void {
  const log = /^\+?[0-9]+$/.test(text) ? Number(text) : Infinity;
  if (log > 255) throw new FsVerityError('INVALID_BLOCK_SIZE', `invalid lg_blocksize '${text}'`);
  if (log !== LOG_BLOCK_SIZE) {
    throw new FsVerityError('UNSUPPORTED_BLOCK_SIZE', `unsupported lg_blocksize ${log} (only ${LOG_BLOCK_SIZE} is currently supported)`);
  }
}

const PREFIX = 'fsverity-';
