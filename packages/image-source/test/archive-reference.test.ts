import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseArchiveRef } from '../src/index.ts';

describe('the name of an archive', () => {
  it.each([
    ['/path/to/a.tar', '/path/to/a.tar', undefined],
    ['a.tar', 'a.tar', undefined],
    ['a.tar:v1', 'a.tar', 'v1'],
    ['./a.tar:reg.io:5000/team/app:v1', './a.tar', 'reg.io:5000/team/app:v1'],
    ['a.tar:@3', 'a.tar', '@3'],
    ['a.tar:', 'a.tar', undefined],
    ['C:/a.tar', 'C', '/a.tar'],
  ])('is split at the first colon, as skopeo does: %s', (text, path, name) => {
    expect(parseArchiveRef(text)).toEqual(name === undefined ? { path } : { path, name });
  });

  it.each([
    ['C:/a.tar', 'C:/a.tar', undefined],
    ['C:\\dir\\a.tar:v1', 'C:\\dir\\a.tar', 'v1'],
    ['a.tar:v1', 'a.tar', 'v1'],
  ])('keeps the drive of a path on Windows: %s', (text, path, name) => {
    expect(parseArchiveRef(text, { windows: true })).toEqual(name === undefined ? { path } : { path, name });
  });

  it('takes any text', () => {
    assert(
      property(string(), (text) => {
        const { path, name } = parseArchiveRef(text);
        expect([text, `${path}:`]).toContain(name === undefined ? (path === text ? path : `${path}:`) : `${path}:${name}`);
      }),
    );
  });
});
