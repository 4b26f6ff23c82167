import { hashHex } from '#hash';
import { OciSpecError, quote } from './errors.ts';
import type { HashAlgorithm } from './hash.ts';

/** The two halves of a digest. */
export interface Digest {
  readonly algorithm: string;
  readonly encoded: string;
}

const GRAMMAR = /^([a-z0-9]+(?:[+._-][a-z0-9]+)*):([A-Za-z0-9=_-]+)$/;
const HEX_DIGITS: Readonly<Record<HashAlgorithm, number>> = { sha256: 64, sha384: 96, sha512: 128 };
const LOWER_HEX = /^[0-9a-f]+$/;

/**
 * Take a digest apart. Algorithms we do not know pass if the text has the form of a digest; for sha256, sha384 and sha512 the value
 * must be exactly as many lower-case hex digits as the hash has. So no digest that passes can lead out of a directory.
 *
 * @throws {OciSpecError} INVALID_DIGEST
 * @see {@link https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests}
 */
export function parseDigest(text: string): Digest {
  const match = GRAMMAR.exec(text);
  if (match === null) throw new OciSpecError('INVALID_DIGEST', `wanted a digest such as sha256:…, found ${quote(text)}`);
  const algorithm = match[1]!;
  const encoded = match[2]!;
  if (isHashAlgorithm(algorithm)) checkHex(text, encoded, HEX_DIGITS[algorithm]);
  return { algorithm, encoded };
}

/** Whether {@link parseDigest} accepts `text`. */
export function isDigest(text: string): boolean {
  const match = GRAMMAR.exec(text);
  if (match === null) return false;
  const algorithm = match[1]!;
  const encoded = match[2]!;
  return !isHashAlgorithm(algorithm) || (encoded.length === HEX_DIGITS[algorithm] && LOWER_HEX.test(encoded));
}

/**
 * The hash function that checks content against `digest`.
 *
 * @throws {OciSpecError} INVALID_DIGEST, or UNKNOWN_ALGORITHM if it is a digest of another algorithm
 */
export function digestAlgorithm(digest: string): HashAlgorithm {
  const { algorithm } = parseDigest(digest);
  if (isHashAlgorithm(algorithm)) return algorithm;
  throw new OciSpecError('UNKNOWN_ALGORITHM', `wanted a digest of sha256, sha384 or sha512, found ${quote(digest)}`, { digest });
}

/** The digest of `bytes`, such as `sha256:e3b0c442…`. */
export function digestOf(bytes: Uint8Array, algorithm: HashAlgorithm = 'sha256'): string {
  return `${algorithm}:${hashHex(algorithm, bytes)}`;
}

function isHashAlgorithm(name: string): name is HashAlgorithm {
  return Object.hasOwn(HEX_DIGITS, name);
}

function checkHex(text: string, encoded: string, digits: number): void {
  if (encoded.length === digits && LOWER_HEX.test(encoded)) return;
  throw new OciSpecError('INVALID_DIGEST', `wanted ${digits} lower-case hex digits, found ${quote(text)}`);
}
