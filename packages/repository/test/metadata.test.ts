import { array, assert, constantFrom, json, oneof, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { effectiveFormats, formatMetadata, formatsToMake, newMetadata, parseMetadata } from '../src/index.ts';
import { checkCompatibility, sameMetadata } from '../src/metadata.ts';
import type { ErofsFormat, RepositoryMetadata } from '../src/index.ts';
import { vectors } from './vectors.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const parse = (text: string): RepositoryMetadata => parseMetadata(encode(text));
const coded = (code: string): Error => expect.objectContaining({ name: 'RepositoryError', code }) as Error;
const minimal = (rest: string): string => `{"version":1,"algorithm":"fsverity-sha256-12"${rest}}`;

const check = (text: string, expected?: 'sha256' | 'sha512'): readonly string[] => checkCompatibility(parse(text), expected);

describe('text', () => {
  it.each(vectors.metadata)('$algorithm, format $erofsFormat: as cfsctl writes it', ({ algorithm, erofsFormat, meta }) => {
    const metadata = newMetadata(algorithm, { default: erofsFormat, extra: [] });
    expect(formatMetadata(metadata)).toBe(meta);
    expect(parse(meta)).toEqual(metadata);
  });
  it('has the extra formats in ascending order, each on its line', () => {
    const text = formatMetadata(newMetadata('sha512', { default: 1, extra: [2, 0, 2] }));
    expect(text).toContain('  "erofs_formats": {\n    "default": 1,\n    "extra": [\n      0,\n      2\n    ]\n  }\n}\n');
  });
  it('gives back what was put in', () => {
    const format = constantFrom<ErofsFormat>(0, 1, 2);
    assert(
      property(constantFrom('sha256' as const, 'sha512' as const), format, array(format), (algorithm, first, extra) => {
        const metadata = newMetadata(algorithm, { default: first, extra });
        expect(parse(formatMetadata(metadata))).toEqual(metadata);
        expect(sameMetadata(metadata, parse(formatMetadata(metadata)))).toBe(true);
      }),
    );
  });
});

describe('parsing', () => {
  it.each([
    ['nothing but what must be there', minimal('')],
    ['white space around', ` \n${minimal('')}\n\t `],
    ['unknown members', minimal(',"new":[1,{"a":null}],"features":{"other":3}')],
    ['unknown features', minimal(',"features":{"compatible":["x"],"read-only-compatible":["y"],"incompatible":["z"]}')],
    ['version 0', '{"version":0,"algorithm":"fsverity-sha256-12"}'],
    ['the largest version', '{"version":4294967295,"algorithm":"fsverity-sha256-12"}'],
    ['extra formats twice', minimal(',"erofs_formats":{"default":1,"extra":[2,1,2]}')],
  ])('accepts %s', (_, text) => {
    expect(parse(text).algorithm).toBe('sha256');
  });
  it.each([
    ['nothing', ''],
    ['no JSON', 'x'],
    ['an array', '[1,"fsverity-sha256-12"]'],
    ['no version', '{"algorithm":"fsverity-sha256-12"}'],
    ['no algorithm', '{"version":1}'],
    ['a version as text', '{"version":"1","algorithm":"fsverity-sha256-12"}'],
    ['a negative version', '{"version":-1,"algorithm":"fsverity-sha256-12"}'],
    ['a broken version', '{"version":1.5,"algorithm":"fsverity-sha256-12"}'],
    ['a version of more than 32 bits', '{"version":4294967296,"algorithm":"fsverity-sha256-12"}'],
    ['another block size', '{"version":1,"algorithm":"fsverity-sha256-16"}'],
    ['another hash', '{"version":1,"algorithm":"fsverity-md5-12"}'],
    ['a known member twice', minimal(',"version":1')],
    ['a known feature set twice', minimal(',"features":{"compatible":[],"compatible":[]}')],
    ['something behind the object', minimal('') + 'x'],
    ['features that are null', minimal(',"features":null')],
    ['a feature that is no text', minimal(',"features":{"compatible":[1]}')],
    ['a feature set that is null', minimal(',"features":{"compatible":null}')],
    ['formats without a default', minimal(',"erofs_formats":{}')],
    ['an unknown format', minimal(',"erofs_formats":{"default":3}')],
    ['an unknown extra format', minimal(',"erofs_formats":{"default":1,"extra":["1"]}')],
    ['extra formats that are null', minimal(',"erofs_formats":{"default":1,"extra":null}')],
  ])('refuses %s', (_, text) => {
    expect(() => parse(text)).toThrow(coded('INVALID_METADATA'));
    expect(() => parse(text)).toThrow(/^failed to parse meta\.json/);
  });
  it('gives a value or a typed error for any bytes', () => {
    assert(
      property(oneof(uint8Array(), json().map(encode)), (bytes) => {
        expect(() => parseMetadata(bytes)).toThrow(coded('INVALID_METADATA'));
      }),
    );
  });
});

describe('image formats', () => {
  // The literal inputs of the reference's test_legacy_repo_defaults_to_v2.
  it.each([
    ['{"version":1,"algorithm":"fsverity-sha256-12","features":{}}', 2],
    ['{"version":1,"algorithm":"fsverity-sha256-12","features":{"read-only-compatible":["v1_erofs"]}}', 1],
    ['{"version":1,"algorithm":"fsverity-sha256-12","features":{},"erofs_version":2}', 2],
  ])('%s', (text, format) => {
    expect(effectiveFormats(parse(text))).toEqual({ default: format, extra: [] });
  });
  it('an explicit 2 with the flag reads as 1, one with extra formats does not', () => {
    const flag = '"features":{"read-only-compatible":["v1_erofs"]}';
    expect(effectiveFormats(parse(minimal(`,${flag},"erofs_formats":{"default":2}`))).default).toBe(1);
    expect(effectiveFormats(parse(minimal(`,${flag},"erofs_formats":{"default":2,"extra":[0]}`))).default).toBe(2);
    expect(effectiveFormats(parse(minimal(`,${flag},"erofs_formats":{"default":0}`))).default).toBe(0);
  });
  it('lists the default first and no format twice', () => {
    expect(formatsToMake(newMetadata('sha256', { default: 1, extra: [2, 1, 0] }))).toEqual([1, 0, 2]);
    expect(formatsToMake(parse(minimal('')))).toEqual([2]);
  });
  it('flags format 1, and only that', () => {
    const flags = ([0, 1, 2] as const).map((format) => newMetadata('sha256', { default: format, extra: [] }).features.readOnlyCompatible);
    expect(flags).toEqual([[], ['v1_erofs'], []]);
  });
});

describe('compatibility', () => {
  it('judges the version first', () => {
    const text = '{"version":2,"algorithm":"fsverity-sha512-12","features":{"incompatible":["a"]}}';
    expect(() => check(text, 'sha256')).toThrow('unsupported repository format version 2 (this tool supports up to 1)');
    expect(() => check(text)).toThrow(coded('UNSUPPORTED_VERSION'));
  });
  it('then the algorithm', () => {
    const text = minimal(',"features":{"incompatible":["a"]}');
    expect(() => check(text, 'sha512')).toThrow('repository algorithm fsverity-sha256-12 does not match expected fsverity-sha512-12');
    expect(() => check(text, 'sha512')).toThrow(coded('ALGORITHM_MISMATCH'));
  });
  it('then the incompatible features', () => {
    const text = minimal(',"features":{"incompatible":["a","b\\"c"]}');
    expect(() => check(text, 'sha256')).toThrow('repository requires unknown incompatible features: ["a", "b\\"c"]');
    expect(() => check(text)).toThrow(coded('UNKNOWN_FEATURES'));
  });
  it('ignores unknown compatible ones, and tells the unknown read-only-compatible ones', () => {
    const text = minimal(',"features":{"compatible":["x"],"read-only-compatible":["v1_erofs","y"]}');
    expect(check(text)).toEqual(['y']);
    expect(check(minimal(''))).toEqual([]);
  });
});
