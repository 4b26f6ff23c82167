import { endianness } from 'node:os';
import { LinuxError, systemError } from './errors.ts';
import { ioctlBuffer, ioctlNumber } from './ioctl.ts';

/** Hash algorithms of fs-verity that composefs uses. */
export type VerityAlgorithm = 'sha256' | 'sha512';

/**
 * What came of {@link enableVerity}:
 *
 * - `enabled`: the file has verity now and can no longer be changed;
 * - `already-enabled`: it had it before, perhaps with another algorithm;
 * - `busy`: somebody has the file open for writing (ETXTBSY);
 * - `unsupported`: the file system has no fs-verity, or there is no koffi (`capabilities().verity` tells which).
 */
export type EnableOutcome = 'enabled' | 'already-enabled' | 'busy' | 'unsupported';

/** What the kernel says of a file with verity: `digest` is the fs-verity digest in lower-case hex. */
export interface VerityMeasurement {
  readonly algorithm: VerityAlgorithm;
  readonly digest: string;
}

/**
 * Turn on fs-verity for a file: blocks of 4096 bytes, no salt, no signature (FS_IOC_ENABLE_VERITY). The kernel reads the whole file.
 *
 * @param fd open for reading only; nobody may have the file open for writing
 * @throws {LinuxError} the errno for everything else, for instance EKEYREJECTED, EACCES, ENOPKG, ENOSPC
 * @see {@link https://docs.kernel.org/filesystems/fsverity.html#fs-ioc-enable-verity}
 */
export function enableVerity(fd: number, algorithm: VerityAlgorithm): EnableOutcome {
  const result = ioctlBuffer(fd, ENABLE_VERITY, enableArgument(algorithm));
  if (result === undefined) return 'unsupported';
  switch (result.errno) {
    case 0:
      return 'enabled';
    case EEXIST:
      return 'already-enabled';
    case ETXTBSY:
      return 'busy';
    case ENOTTY:
    case EOPNOTSUPP:
      return 'unsupported';
    default:
      throw systemError('FS_IOC_ENABLE_VERITY', result.errno);
  }
}

/**
 * Ask the kernel for the fs-verity digest of a file (FS_IOC_MEASURE_VERITY). It costs no reading.
 *
 * @returns undefined if the file has no verity; `'unsupported'` if its file system has none, or there is no koffi
 * @throws {LinuxError} the errno; UNKNOWN_ALGORITHM
 * @see {@link https://docs.kernel.org/filesystems/fsverity.html#fs-ioc-measure-verity}
 */
export function measureVerity(fd: number): VerityMeasurement | 'unsupported' | undefined {
  const argument = measureArgument();
  const result = ioctlBuffer(fd, MEASURE_VERITY, argument);
  if (result === undefined) return 'unsupported';
  switch (result.errno) {
    case 0:
      return measurement(argument);
    case ENODATA:
      return undefined;
    case ENOTTY:
    case EOPNOTSUPP:
      return 'unsupported';
    default:
      throw systemError('FS_IOC_MEASURE_VERITY', result.errno);
  }
}

/** struct fsverity_enable_arg: version, hash_algorithm, block_size, then salt, signature and reserved fields, all zero. */
function enableArgument(algorithm: VerityAlgorithm): Uint8Array {
  const argument = new Uint8Array(ENABLE_ARGUMENT_SIZE);
  const view = new DataView(argument.buffer);
  view.setUint32(0, 1, LITTLE_ENDIAN);
  view.setUint32(4, KERNEL_ID[algorithm], LITTLE_ENDIAN);
  view.setUint32(8, 4096, LITTLE_ENDIAN);
  return argument;
}

/** struct fsverity_digest: digest_algorithm, digest_size, then the digest. The size goes in as the room there is. */
function measureArgument(): Uint8Array {
  const argument = new Uint8Array(DIGEST_HEADER_SIZE + LONGEST_DIGEST);
  new DataView(argument.buffer).setUint16(2, LONGEST_DIGEST, LITTLE_ENDIAN);
  return argument;
}

function measurement(argument: Uint8Array): VerityMeasurement {
  const view = new DataView(argument.buffer);
  const id = view.getUint16(0, LITTLE_ENDIAN);
  const size = view.getUint16(2, LITTLE_ENDIAN);
  const algorithm = id === KERNEL_ID.sha256 ? 'sha256' : id === KERNEL_ID.sha512 ? 'sha512' : undefined;
  if (algorithm === undefined || size > LONGEST_DIGEST) {
    throw new LinuxError('UNKNOWN_ALGORITHM', 'FS_IOC_MEASURE_VERITY', `algorithm ${id} with a digest of ${size} bytes`);
  }
  return { algorithm, digest: Buffer.from(argument.buffer, DIGEST_HEADER_SIZE, size).toString('hex') };
}

const KERNEL_ID = { sha256: 1, sha512: 2 } as const;
const LITTLE_ENDIAN = endianness() === 'LE';
const ENABLE_ARGUMENT_SIZE = 128;
const DIGEST_HEADER_SIZE = 4;
const LONGEST_DIGEST = 64;
const ENABLE_VERITY = ioctlNumber('write', 0x66, 133, ENABLE_ARGUMENT_SIZE);
// The number holds the size of the header, whatever the room behind it.
const MEASURE_VERITY = ioctlNumber('read-write', 0x66, 134, DIGEST_HEADER_SIZE);
const EEXIST = 17;
const ENOTTY = 25;
const ETXTBSY = 26;
const ENODATA = 61;
const EOPNOTSUPP = 95;
