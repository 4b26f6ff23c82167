import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatStoredReference, isShortPrefix, OciRefError, parseStoredReference } from '../src/index.ts';

const hex = 'abc123'.padEnd(64, '0');
const digest = `sha256:${hex}`;

describe('parseStoredReference', () => {
  it.each([
    [`@${digest}`, { kind: 'digest', digest }],
    [digest, { kind: 'digest', digest }],
    ['myimage:latest', { kind: 'tag', tag: 'myimage:latest' }],
    ['docker://quay.io/foo:latest', { kind: 'tag', tag: 'docker://quay.io/foo:latest' }],
    ['', { kind: 'tag', tag: '' }],
    ['sha256:../x', { kind: 'tag', tag: 'sha256:../x' }],
    ['@abc123000000', { kind: 'prefix', prefix: { hex: 'abc123000000' } }],
    ['@sha256:abc123000000', { kind: 'prefix', prefix: { algorithm: 'sha256', hex: 'abc123000000' } }],
    ['sha256:abc123000000', { kind: 'tag', tag: 'sha256:abc123000000', prefix: { algorithm: 'sha256', hex: 'abc123000000' } }],
    ['abc123000000', { kind: 'tag', tag: 'abc123000000', prefix: { hex: 'abc123000000' } }],
    [hex, { kind: 'tag', tag: hex, prefix: { hex } }],
    ['abc12300000', { kind: 'tag', tag: 'abc12300000' }],
    ['ABC123000000', { kind: 'tag', tag: 'ABC123000000' }],
  ])('%j is %j', (text, reference) => {
    expect(parseStoredReference(text)).toEqual(reference);
  });
  it.each(['@', '@nonsense', '@myimage:latest', '@abc12300000', '@sha256:', '@@abc123000000', `@blake3:${hex}`, `@${digest}0`])(
    'refuses %j',
    (text) => {
      expect(() => parseStoredReference(text)).toThrow(
        expect.objectContaining({ code: 'INVALID_DIGEST', message: expect.stringContaining(`Invalid OCI digest after '@'`) as unknown }),
      );
    },
  );
  it('reads back what it formats', () => {
    const near = fc.array(fc.constantFrom('@', 'sha256:', hex, 'abc123000000', 'x'), { maxLength: 3 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(near, fc.string()), (text) => {
        expect(comesBack(text)).toBe(true);
      }),
    );
  });
});

function comesBack(text: string): boolean {
  try {
    const reference = parseStoredReference(text);
    return formatStoredReference(parseStoredReference(formatStoredReference(reference))) === formatStoredReference(reference);
  } catch (error) {
    return error instanceof OciRefError;
  }
}

it.each([
  ['9f2c', true],
  ['9F2C00112233'.slice(0, 11), true],
  ['@9f2c', true],
  ['sha256:9f2c', true],
  ['9f2c00112233', false],
  ['9f2', false],
  ['beta', false],
  ['demo:9f2c', false],
])('%s looks like the beginning of a digest that is too short: %s', (text, short) => {
  expect(isShortPrefix(text)).toBe(short);
});
