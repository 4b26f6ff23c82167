import { lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { placeLink, readLink, relativeTarget, removeLink } from '../src/link.ts';
import { temporaryDirectory, tree } from './support.ts';

// Link, target and stored text: the table of the repository format.
const targets: readonly (readonly [string, string, string])[] = [
  ['streams/foo', 'objects/ab/cdef', '../objects/ab/cdef'],
  ['images/abcd', 'objects/ab/cd', '../objects/ab/cd'],
  ['streams/refs/foo', 'streams/bar', '../bar'],
  ['streams/refs/oci/v1', 'streams/oci-manifest-sha256:00', '../../oci-manifest-sha256:00'],
  ['images/refs/a/b/c', 'images/abcd', '../../../abcd'],
];

describe('relative targets', () => {
  it.each(targets)('%s -> %s is %s', (path, target, text) => {
    expect(relativeTarget(path, target)).toBe(text);
  });
  it.each(targets)('%s is stored so', (path, target, text) => {
    const root = temporaryDirectory();
    placeLink(root, path, target);
    expect(readlinkSync(join(root, path))).toBe(text);
  });
});

describe('placing a link', () => {
  it('leaves a right one alone', () => {
    const root = temporaryDirectory();
    placeLink(root, 'streams/a', 'objects/00/11');
    const { ino } = lstatSync(join(root, 'streams/a'));
    placeLink(root, 'streams/a', 'objects/00/11');
    expect(lstatSync(join(root, 'streams/a')).ino).toBe(ino);
  });
  it('replaces another one, and leaves nothing behind', () => {
    const root = temporaryDirectory();
    placeLink(root, 'streams/a', 'objects/00/11');
    placeLink(root, 'streams/a', 'objects/22/33');
    expect(readLink(root, 'streams/a')).toBe('../objects/22/33');
    expect(tree(root)).toEqual(['streams/a']);
    expect(readdirSync(root)).toEqual(['streams']);
  });
  it.each(['file', 'directory'])('refuses to replace a %s', (kind) => {
    const root = temporaryDirectory();
    mkdirSync(join(root, 'streams'));
    if (kind === 'file') writeFileSync(join(root, 'streams/a'), 'x');
    else mkdirSync(join(root, 'streams/a'));
    expect(() => placeLink(root, 'streams/a', 'objects/00/11')).toThrow(expect.objectContaining({ code: 'UNEXPECTED_FILE_TYPE' }) as Error);
  });
  it('refuses a reference below another reference', () => {
    const root = temporaryDirectory();
    placeLink(root, 'streams/refs/a', 'streams/x');
    const below = (): void => placeLink(root, 'streams/refs/a/b', 'streams/x');
    expect(below).toThrow(expect.objectContaining({ code: 'UNEXPECTED_FILE_TYPE', path: 'streams/refs/a' }) as Error);
  });
});

describe('removing a link', () => {
  it('tells whether there was one', () => {
    const root = temporaryDirectory();
    symlinkSync('nowhere', join(root, 'a'));
    expect([removeLink(root, 'a'), removeLink(root, 'a')]).toEqual([true, false]);
  });
  it('refuses anything else', () => {
    const root = temporaryDirectory();
    writeFileSync(join(root, 'a'), 'x');
    expect(() => removeLink(root, 'a')).toThrow(expect.objectContaining({ code: 'UNEXPECTED_FILE_TYPE' }) as Error);
    expect(tree(root)).toEqual(['a']);
  });
});
