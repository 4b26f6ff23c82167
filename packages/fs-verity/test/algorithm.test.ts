import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ALGORITHMS,
  digestLength,
  formatAlgorithmName,
  formatShortAlgorithmName,
  FsVerityError,
  KERNEL_ID,
  parseAlgorithmName,
  parseHashName,
  parseShortAlgorithmName,
} from '../src/index.ts';
import { loadVectors } from './content.ts';

const CODES: Readonly<Record<string, string>> = {
  MissingPrefix: 'MISSING_PREFIX',
  MissingSeparator: 'MISSING_SEPARATOR',
  InvalidBlockSize: 'INVALID_BLOCK_SIZE',
  UnsupportedBlockSize: 'UNSUPPORTED_BLOCK_SIZE',
  UnknownHash: 'UNKNOWN_HASH',
};
const cases = loadVectors().algorithm_names;

describe('algorithm names of the reference', () => {
  it.each(cases.filter(({ ok }) => ok))('takes $input', ({ input, hash, kernel_id }) => {
    expect(parseAlgorithmName(input)).toBe(hash);
    expect(KERNEL_ID[hash!]).toBe(kernel_id);
    expect(formatAlgorithmName(hash!)).toBe(input);
  });

  it.each(cases.filter(({ ok }) => !ok))('rejects $input with $error', ({ input, error }) => {
    expect(() => parseAlgorithmName(input)).toThrow(expect.objectContaining({ name: 'FsVerityError', code: CODES[error!] }));
  });
});

describe('parseAlgorithmName', () => {
  it.each([
    ['sha256-12', "algorithm must start with 'fsverity-'"],
    ['FSVERITY-sha256-12', "algorithm must start with 'fsverity-'"],
    ['fsverity-sha256', "algorithm must be 'fsverity-<hash>-<lg_blocksize>'"],
    ['fsverity-sha256-', "invalid lg_blocksize ''"],
    ['fsverity-sha256-256', "invalid lg_blocksize '256'"],
    ['fsverity-sha256--12', "unsupported hash algorithm 'sha256-' (expected sha256 or sha512)"],
    ['fsverity-sha256-1 2', "invalid lg_blocksize '1 2'"],
    // The block size is judged before the hash.
    ['fsverity-sha1-16', 'unsupported lg_blocksize 16 (only 12 is currently supported)'],
    ['fsverity-sha1-12', "unsupported hash algorithm 'sha1' (expected sha256 or sha512)"],
    ['fsverity-SHA256-12', "unsupported hash algorithm 'SHA256' (expected sha256 or sha512)"],
    ['fsverity--12', "unsupported hash algorithm '' (expected sha256 or sha512)"],
  ])('says of %j: %s', (name, message) => {
    expect(() => parseAlgorithmName(name)).toThrow(message);
  });

  it.each(['fsverity-sha256-012', 'fsverity-sha256-+12'])('takes %s, as the reference does', (name) => {
    expect(parseAlgorithmName(name)).toBe('sha256');
  });

  it('gives an algorithm or a typed error for any text', () => {
    assert(
      property(string(), (text) => {
        for (const name of [text, `fsverity-${text}`, `fsverity-${text}-12`, `fsverity-sha256-${text}`]) {
          expect(outcome(() => parseAlgorithmName(name))).toMatch(/^(sha256|sha512|FsVerityError)$/);
        }
      }),
    );
  });
});

function outcome(parse: () => string): string {
  try {
    return parse();
  } catch (error) {
    return error instanceof FsVerityError ? error.name : String(error);
  }
}

it.each(ALGORITHMS)('%s: all forms go there and back', (algorithm) => {
  expect(parseAlgorithmName(formatAlgorithmName(algorithm))).toBe(algorithm);
  expect(parseShortAlgorithmName(formatShortAlgorithmName(algorithm))).toBe(algorithm);
  expect(formatShortAlgorithmName(algorithm)).toBe(`${algorithm}-12`);
  expect(parseHashName(algorithm)).toBe(algorithm);
  expect(digestLength(algorithm) * 8).toBe(Number(algorithm.slice(3)));
});
