import { bytes, encode, struct, u32, u64, u8, type Struct } from '@cfskit/binary';
import { KERNEL_ID, LOG_BLOCK_SIZE, type Algorithm } from './algorithm.ts';

/** What the descriptor says; the fields that are always zero included. */
interface Descriptor {
  readonly version: number;
  readonly hashAlgorithm: number;
  readonly logBlockSize: number;
  readonly saltSize: number;
  readonly signatureSize: number;
  readonly dataSize: number;
  readonly rootHash: Uint8Array;
  readonly salt: Uint8Array;
  readonly reserved: Uint8Array;
}

/** The 256 bytes whose hash is the fs-verity digest, little-endian. Kernel documentation of fs-verity, "fs-verity descriptor". */
export const descriptor: Struct<Descriptor> = struct({
  version: u8, //            0  always 1
  hashAlgorithm: u8, //      1  kernel number: 1 = sha256, 2 = sha512
  logBlockSize: u8, //       2  log2 of bytes: 12 = 4096
  saltSize: u8, //           3  always 0: composefs uses no salt
  signatureSize: u32, //     4  always 0 for hashing
  dataSize: u64, //          8  of the file, in bytes
  rootHash: bytes(64), //   16  followed by zeros if it is shorter
  salt: bytes(32), //       80  zero
  reserved: bytes(144), // 112  zero
});

/** A descriptor of an empty file: data size and root hash, both zero here, are what differs between files. */
export function emptyDescriptor(algorithm: Algorithm): Uint8Array<ArrayBuffer> {
  return encode(descriptor, {
    version: 1,
    hashAlgorithm: KERNEL_ID[algorithm],
    logBlockSize: LOG_BLOCK_SIZE,
    saltSize: 0,
    signatureSize: 0,
    dataSize: 0,
    rootHash: new Uint8Array(64),
    salt: new Uint8Array(32),
    reserved: new Uint8Array(144),
  });
}
