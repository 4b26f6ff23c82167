import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkTagName, decodeTag, encodeTag, tagRefPath } from '../src/index.ts';
import { vectors } from './vectors.ts';

const { cases, decode_only, ref_path } = vectors.tag_encoding;

describe('tags as file names', () => {
  it.each(cases)('"$name" is "$encoded"', ({ name, encoded }) => {
    expect(encodeTag(name)).toBe(encoded);
    expect(decodeTag(encoded)).toBe(name);
    expect(`streams/refs/${tagRefPath(name)}`).toBe(ref_path.replace('<encoded>', encoded));
  });
  it.each(decode_only)('"$encoded" is read as "$decoded"', ({ encoded, decoded }) => {
    expect(decodeTag(encoded)).toBe(decoded);
  });
  it('come back, and hold no slash', () => {
    const text = fc
      .array(fc.constantFrom('%', '/', '2F', '25', '2', 'a', '\n', '\u{1f600}'), { maxLength: 8 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: 'binary' })), (name) => {
        expect(decodeTag(encodeTag(name))).toBe(name);
        expect(encodeTag(name)).not.toContain('/');
      }),
    );
  });
});

describe('checkTagName', () => {
  it.each(vectors.ref_name_rules.filter(({ ok }) => ok))('allows $name', ({ name }) => {
    expect(() => checkTagName(name)).not.toThrow();
  });
  it.each(vectors.ref_name_rules.filter(({ ok }) => !ok))('refuses $name', ({ name, error }) => {
    expect(() => checkTagName(name)).toThrow(expect.objectContaining({ code: 'RESERVED_TAG', input: name }));
    expect(() => checkTagName(name)).toThrow(error ?? 'reserved');
  });
  it.each(cases.filter(({ name }) => name !== ''))('allows $name', ({ name }) => {
    expect(() => checkTagName(name)).not.toThrow();
  });
  it.each([
    ['RESERVED_TAG', `sha256:${'ab'.repeat(32)}`, 'a digest cannot be a name'],
    ['INVALID_TAG', '', 'it is empty'],
    ['INVALID_TAG', '.', 'no file name'],
    ['INVALID_TAG', '..', 'no file name'],
    ['INVALID_TAG', 'a\0b', 'NUL'],
    ['INVALID_TAG', 'a\ud800', 'not Unicode'],
    ['INVALID_TAG', 'a'.repeat(256), 'wanted at most 255 bytes, found 256'],
    ['INVALID_TAG', '/'.repeat(86), 'found 258'],
    ['INVALID_TAG', 'ä'.repeat(128), 'found 256'],
  ])('refuses with %s: %j', (code, name, message) => {
    expect(() => checkTagName(name)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) as unknown }));
  });
  it.each(['...', 'sha256:abc', '/'.repeat(85), 'a'.repeat(255), ' ', '-x', 'größe'])('allows %j', (name) => {
    expect(() => checkTagName(name)).not.toThrow();
  });
});
