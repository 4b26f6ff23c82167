/** The hash functions that OCI digests of this project may name. */
export type HashAlgorithm = 'sha256' | 'sha384' | 'sha512';

/** A running hash. After `digest` or `digestHex` it must not be used again. */
export interface Hash {
  /** Consumes `bytes` before it returns; the buffer may be used again. */
  update(bytes: Uint8Array): void;
  digest(): Uint8Array<ArrayBuffer>;
  /** The digest as lower-case hex digits. */
  digestHex(): string;
}
