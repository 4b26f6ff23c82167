import { concatBytes } from '@cfskit/binary';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkImage,
  dumpImage,
  ErofsError,
  FORMAT_VERSIONS,
  imageId,
  openImage,
  readObjectIds,
  readTree,
  writeImage,
  type FormatVersion,
} from '../src/index.ts';
import { tree } from './arbitraries.ts';
import { dump, text, treeOf } from './vectors.ts';

const version = fc.constantFrom(...FORMAT_VERSIONS);

describe('any tree', () => {
  it('written, read and written again gives the same bytes', () => {
    fc.assert(
      fc.property(tree, version, (root, format) => {
        const image = writeImage(root, { version: format });
        expect(image.length % 4096).toBe(0);
        checkImage(openImage(image));
        expect(writeImage(readTree(openImage(image)), { version: format })).toEqual(image);
      }),
      { numRuns: 150 },
    );
  });

  it('comes back from formats 0 and 1 as it was', () => {
    fc.assert(
      fc.property(tree, fc.constantFrom(0 as const, 1 as const), (root, format) => {
        expect(dump(readTree(openImage(writeImage(root, { version: format }))))).toBe(dump(root));
      }),
      { numRuns: 100 },
    );
  });

  it('is the same in the dump of the image as in that of the tree, but for sizes, order of attributes and hard links', () => {
    fc.assert(
      fc.property(tree, (root) => {
        expect(paths(text(dumpImage(openImage(writeImage(root, { profile: 'c' })))))).toEqual(paths(dump(root)));
      }),
      { numRuns: 50 },
    );
  });

  it('has its objects listed', () => {
    fc.assert(
      fc.property(tree, version, (root, format) => {
        const ids = new Set([...dump(root).matchAll(/ ([0-9a-f]{2}\/[0-9a-f]{62}) - /g)].map(([, path = '']) => path.replace('/', '')));
        expect(readObjectIds(writeImage(root, { version: format }), 'sha256')).toEqual(ids);
      }),
      { numRuns: 50 },
    );
  });

  it('has an id that depends on nothing but what comes back', () => {
    fc.assert(
      fc.property(tree, version, (root, format) => {
        const again = readTree(openImage(writeImage(root, { version: 1 })));
        const ids = [root, again].map((each) => imageId(writeImage(each, { version: format }), 'sha512'));
        expect(ids[1]).toBe(ids[0]);
      }),
      { numRuns: 30 },
    );
  });
});

function paths(lines: string): (string | undefined)[] {
  return lines.split('\n').map((line) => line.split(' ')[0]);
}

/** Do everything that is done with an image from outside, and return the errors that are not the package's: none. */
function surprises(bytes: Uint8Array, format: FormatVersion): unknown[] {
  const uses = [
    () => checkImage(openImage(bytes)),
    () => readObjectIds(bytes, 'sha256'),
    () => text(dumpImage(openImage(bytes))),
    () => writeImage(readTree(openImage(bytes)), { version: format }),
  ];
  return uses.map((use) => outcome(use)).filter((error) => error !== undefined && !(error instanceof ErofsError));
}

function outcome(use: () => unknown): unknown {
  try {
    use();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('arbitrary bytes give a value or an error of the package', () => {
  const change = fc.tuple(fc.nat(), fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(0, 1, 255)));

  it.each(['mixed-1', 'mixed-5', 'xattr-shared', 'whiteouts', 'symlink-long', 'external-1024-chunks', 'dir-100'])(
    '%s with changed bytes',
    (name) => {
      const formats = FORMAT_VERSIONS.filter((format) => format < 2 || name !== 'symlink-long');
      // Bytes that are not zero: changes elsewhere mostly hit padding.
      const originals = formats.map((format) => usedBytes(writeImage(treeOf(name), { version: format })));
      fc.assert(
        fc.property(
          fc.constantFrom(...originals),
          fc.array(change, { minLength: 1, maxLength: 6 }),
          version,
          ({ image, used }, changes, format) => {
            const changed = image.slice();
            for (const [at, value] of changes) changed[used[at % used.length] ?? 0] = value;
            expect(surprises(changed, format)).toEqual([]);
          },
        ),
        { numRuns: 120 },
      );
    },
  );

  it('images cut short', () => {
    const whole = writeImage(treeOf('mixed-1'));
    fc.assert(
      fc.property(fc.nat({ max: whole.length }), (size) => {
        expect(surprises(whole.slice(0, size), 1)).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  it('anything behind a right superblock', () => {
    const head = writeImage(treeOf('empty-root'), { version: 2 }).slice(0, 1152);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2944, maxLength: 2944, size: 'max' }), (rest) => {
        expect(surprises(concatBytes([head, rest]), 2)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});

function usedBytes(image: Uint8Array): { image: Uint8Array; used: readonly number[] } {
  return { image, used: [...image.keys()].filter((offset) => image[offset] !== 0) };
}
