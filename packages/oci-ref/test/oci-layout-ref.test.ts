import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatOciLayoutRef, parseOciLayoutRef, skopeoLayoutRef } from '../src/index.ts';
import { vectors } from './vectors.ts';

const { cases, extra } = vectors.oci_layout_ref;

describe('parseOciLayoutRef', () => {
  it('has the 14 cases of the reference, and more', () => {
    expect([cases.length, extra.length]).toEqual([14, 9]);
  });
  it.each([...cases, ...extra])('"$input" is "$path" and "$tag"', ({ input, path, tag }) => {
    expect(parseOciLayoutRef(input)).toEqual(tag === null ? { path } : { path, tag });
  });
  it('keeps an empty tag apart from none', () => {
    expect(parseOciLayoutRef('a:')).toEqual({ path: 'a', tag: '' });
    expect(parseOciLayoutRef('a')).not.toHaveProperty('tag');
  });
  it.each([
    ['C:\\dir\\oci', { path: 'C:\\dir\\oci' }],
    ['C:/dir/oci', { path: 'C:/dir/oci' }],
    ['C:\\dir\\oci:tag', { path: 'C:\\dir\\oci', tag: 'tag' }],
    ['c:tag', { path: 'c', tag: 'tag' }],
    ['1:\\x', { path: '1', tag: '\\x' }],
  ])('on Windows "%s" is %j', (input, ref) => {
    expect(parseOciLayoutRef(input, { windows: true })).toEqual(ref);
  });
});

describe('formatOciLayoutRef', () => {
  it('is the inverse', () => {
    const text = fc.array(fc.constantFrom(':', '/', '\\', 'a', 'C:'), { maxLength: 8 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(text, fc.string()), fc.boolean(), (input, windows) => {
        expect(formatOciLayoutRef(parseOciLayoutRef(input, { windows }), { windows })).toBe(input);
      }),
    );
  });
  it.each([{ path: 'a:b' }, { path: 'a', tag: 'b/c' }, { path: 'a', tag: 'b:c' }])('refuses %j, which would read differently', (ref) => {
    expect(() => formatOciLayoutRef(ref)).toThrow(RangeError);
  });
});

describe('skopeoLayoutRef', () => {
  it.each([
    ['/p:quay.io/a/b:latest', { path: '/p', tag: 'quay.io/a/b:latest' }],
    ['/p:quay.io/a/b', { path: '/p', tag: 'quay.io/a/b' }],
    ['a:b:c', { path: 'a', tag: 'b:c' }],
    ['/p:tag', undefined],
    ['/p', undefined],
  ])('%s is %j', (input, ref) => {
    expect(skopeoLayoutRef(input)).toEqual(ref);
  });
});
