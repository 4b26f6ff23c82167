import { assert, constantFrom, property, string, stringMatching } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { algorithmOf, formatObjectId, FsVerityError, objectPath, parseObjectId, parseObjectName, parseObjectPath } from '../src/index.ts';
import { loadVectors, type ParserCase } from './content.ts';

const CODES: Readonly<Record<string, string>> = {
  OddLength: 'ODD_LENGTH',
  InvalidStringLength: 'INVALID_STRING_LENGTH',
  InvalidHexCharacter: 'INVALID_HEX_CHARACTER',
};
const cases = loadVectors().object_paths_sha256;

function run({ op, input, dir }: ParserCase): string {
  switch (op) {
    case 'from_hex':
      return parseObjectId(input, 'sha256');
    case 'from_object_dir_and_basename':
      return parseObjectName(dir!, input, 'sha256');
    case 'from_object_pathname':
      return parseObjectPath(input, 'sha256');
    case 'to_object_pathname':
      return objectPath(input);
    case 'to_id':
      return formatObjectId(input);
    default:
      throw new Error(`unknown operation ${op}`);
  }
}

describe('object ids and paths of the reference', () => {
  it.each(cases.filter(({ ok }) => ok))('$op takes $input', (parserCase) => {
    expect(run(parserCase)).toBe(parserCase.value);
  });

  it.each(cases.filter(({ ok }) => !ok))('$op rejects $input with $error', (parserCase) => {
    const { error, index } = parserCase;
    expect(() => run(parserCase)).toThrow(expect.objectContaining({ name: 'FsVerityError', code: CODES[error!], offset: index }));
  });
});

const sha256 = '1e2eaa4202d750a41174ee454970b92c1bc2f925b1e35076d8c7d5f56362ba64';
const sha512 = sha256 + sha256;

describe('parseObjectId', () => {
  it.each([
    [sha256, undefined, sha256],
    [sha512, undefined, sha512],
    [sha256.toUpperCase(), 'sha256', sha256],
    [`sha256:${sha256}`, undefined, sha256],
    [`sha512:${sha512}`, 'sha512', sha512],
  ] as const)('takes %s of %s', (text, algorithm, id) => {
    expect(parseObjectId(text, algorithm)).toBe(id);
  });

  it.each([
    [sha256, 'sha512', 'INVALID_STRING_LENGTH'],
    [`sha256:${sha512}`, undefined, 'INVALID_STRING_LENGTH'],
    [`sha256:${sha256}`, 'sha512', 'WRONG_ALGORITHM'],
    [`sha384:${sha256}`, undefined, 'UNKNOWN_HASH'],
    [`:${sha256}`, undefined, 'UNKNOWN_HASH'],
    ['', undefined, 'INVALID_STRING_LENGTH'],
    ['../../../x', undefined, 'INVALID_STRING_LENGTH'],
    [`sha256:${'../'.repeat(21)}x`, undefined, 'INVALID_HEX_CHARACTER'],
    [`${sha256.slice(0, 63)}é`, undefined, 'INVALID_HEX_CHARACTER'],
    [`${sha256.slice(0, 63)}\n`, undefined, 'INVALID_HEX_CHARACTER'],
    [`${sha256}\n`, undefined, 'ODD_LENGTH'],
  ] as const)('rejects %j of %s with %s', (text, algorithm, code) => {
    expect(() => parseObjectId(text, algorithm)).toThrow(expect.objectContaining({ code }));
  });

  it('says which character is wrong', () => {
    expect(() => parseObjectId(`${sha256.slice(0, 63)}x`)).toThrow("Invalid character 'x' at position 63");
  });
});

describe('paths', () => {
  const ids = stringMatching(/^[0-9a-f]{128}$/);

  it('go there and back', () => {
    assert(
      property(ids, constantFrom('', 'objects/', '/srv/repo/objects/'), (id, prefix) => {
        expect(parseObjectPath(prefix + objectPath(id), 'sha512')).toBe(id);
        expect(parseObjectPath(objectPath(id.slice(64)), 'sha256')).toBe(id.slice(64));
        expect(parseObjectName(Number.parseInt(id.slice(0, 2), 16), id.slice(2), 'sha512')).toBe(id);
        expect(parseObjectId(formatObjectId(id))).toBe(id);
        expect(algorithmOf(id)).toBe('sha512');
      }),
    );
  });

  it('take upper-case digits', () => {
    expect(parseObjectPath(objectPath(sha256).toUpperCase(), 'sha256')).toBe(sha256);
    expect(parseObjectName(0x1e, sha256.slice(2).toUpperCase(), 'sha256')).toBe(sha256);
  });

  it.each([
    '',
    '../etc/passwd',
    sha256.toUpperCase(),
    sha256.slice(1),
    `${sha256.slice(1)}/`,
    `${sha256}\n`.slice(1),
    sha512.slice(0, 100),
  ])('are made of object ids only, not of %j', (text) => {
    expect(() => objectPath(text)).toThrow(TypeError);
  });

  it('gives an id or a typed error for any text', () => {
    assert(
      property(string({ maxLength: 140 }), stringMatching(/^[0-9a-fA-F/x]{60,66}$/), (any, near) => {
        for (const text of [any, near]) {
          for (const parse of [
            () => parseObjectId(text),
            () => parseObjectPath(text, 'sha256'),
            () => parseObjectName(255, text, 'sha256'),
          ]) {
            expect(outcome(parse)).toMatch(/^([0-9a-f]{64}|[0-9a-f]{128}|FsVerityError)$/);
          }
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
