import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatContainersStorageName,
  parseContainersStorageName,
  parseContainersStorageRef,
  parseStoreSpec,
  skopeoStorageName,
} from '../src/index.ts';
import { vectors } from './vectors.ts';

const { cases, prefix } = vectors.containers_storage;

describe('names in containers-storage', () => {
  it.each(cases)('"$name"', ({ name, store_spec, image, image_for_skopeo, normalized }) => {
    const parsed = parseContainersStorageName(name);
    expect(parsed).toEqual(store_spec === null ? { image } : { storeSpec: store_spec, image });
    expect(formatContainersStorageName(parsed)).toBe(name);
    expect(skopeoStorageName(parsed)).toBe(normalized);
    expect(skopeoStorageName({ image })).toBe(image_for_skopeo);
  });
  it.each(prefix.cases)('$input is $image', ({ input, image }) => {
    expect(parseContainersStorageRef(input)).toBe(image ?? undefined);
  });
  it('come back from any text', () => {
    const text = fc.array(fc.constantFrom('[', ']', 'sha256:', 'a', '@'), { maxLength: 6 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(text, fc.string()), (name) => {
        expect(formatContainersStorageName(parseContainersStorageName(name))).toBe(name);
      }),
    );
  });
});

// containers-storage(5) and the two specifications in the vectors.
it.each([
  ['/var/lib/containers', { graphRoot: '/var/lib/containers', options: [] }],
  ['overlay@/var/lib/containers', { driver: 'overlay', graphRoot: '/var/lib/containers', options: [] }],
  [
    'overlay@/var/lib/containers+/run/containers:opt1,opt2',
    { driver: 'overlay', graphRoot: '/var/lib/containers', runRoot: '/run/containers', options: ['opt1', 'opt2'] },
  ],
  ['/g:a=b', { graphRoot: '/g', options: ['a=b'] }],
  ['/g+/r', { graphRoot: '/g', runRoot: '/r', options: [] }],
  ['', { graphRoot: '', options: [] }],
])('store %s', (text, spec) => {
  expect(parseStoreSpec(text)).toEqual(spec);
});
