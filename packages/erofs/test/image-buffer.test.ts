import { concatBytes } from '@cfskit/binary';
import { parseDumpfile, type Directory } from '@cfskit/fs-tree';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ErofsError, FORMAT_VERSIONS, writeImage, writeImageInPieces, type FormatVersion } from '../src/index.ts';
import { ImageBuffer } from '../src/image-buffer.ts';
import { tree } from './arbitraries.ts';

function inPieces(root: Directory, version: FormatVersion): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  writeImageInPieces(root, (piece) => pieces.push(Uint8Array.from(piece)), { version });
  return pieces;
}

/** Directories of many blocks, contents in blocks, attributes of the greatest size, shared ones, objects with and without a digest. */
function largeTree(): Directory {
  const lines = ['/ 4096 40755 2 0 0 0 1.5 - - -'];
  for (let directory = 0; directory < 4; directory++) {
    lines.push(`/d${directory} 4096 40755 2 0 0 0 1.0 - - -`);
    for (let file = 0; file < 3000; file++) {
      const path = `/d${directory}/${'n'.repeat(40)}${file}`;
      const content = file % 3 === 0 ? 'x'.repeat(1 + (file % 500)) : '-';
      const object = file % 3 === 1 ? (file % 700).toString(16).padStart(64, '0') : '-';
      const size = content === '-' ? (object === '-' ? 0 : 1000 + file) : content.length;
      const payload = object === '-' ? '-' : `${object.slice(0, 2)}/${object.slice(2)}`;
      const attribute = file % 1000 === 0 ? ` user.big=${'v'.repeat(30_000)}${directory}${file}` : file % 7 === 0 ? ' user.shared=1' : '';
      lines.push(`${path} ${size} 100644 1 0 0 0 ${file}.0 ${payload} ${content} ${object}${attribute}`);
    }
  }
  return parseDumpfile(new TextEncoder().encode(lines.join('\n')));
}

describe('an image in pieces', () => {
  it('has the bytes of the image, whatever the tree', () => {
    fc.assert(
      fc.property(tree, fc.constantFrom(...FORMAT_VERSIONS), (root, version) => {
        expect(concatBytes(inPieces(root, version))).toEqual(writeImage(root, { version }));
      }),
      { numRuns: 50 },
    );
  });

  it.each(FORMAT_VERSIONS)('has them in several pieces, none of more than a MiB, in format %i', (version) => {
    const root = largeTree();
    const pieces = inPieces(root, version);
    expect(pieces.length).toBeGreaterThan(2);
    for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(2 ** 20);
    expect(Buffer.concat(pieces).equals(writeImage(root, { version }))).toBe(true);
  });

  it('ends with the failure of whoever takes the pieces, or before the first', () => {
    const failure = new Error('no space');
    const fail = (): never => {
      throw failure;
    };
    expect(() => writeImageInPieces(largeTree(), fail)).toThrow(failure);
    const line = `/a 600 100644 1 0 0 0 1.0 - ${'x'.repeat(600)} -`;
    const tooLong = parseDumpfile(new TextEncoder().encode(`/ 4096 40755 2 0 0 0 1.0 - - -\n${line}`));
    expect(() => writeImageInPieces(tooLong, fail, { version: 2 })).toThrow(ErofsError);
  });
});

describe('a buffer', () => {
  it('passes on what is complete, and zeros for what nobody wrote', () => {
    const written: number[][] = [];
    const buffer = new ImageBuffer(new Uint8Array(4), (piece) => written.push([...piece]));
    buffer.bytes[buffer.room(1, 1)] = 1;
    buffer.bytes[buffer.room(3, 2)] = 2;
    buffer.bytes[buffer.room(12, 3)] = 3;
    buffer.finish(18);
    expect(written.flat()).toEqual([0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0]);
    expect(Math.max(...written.map((piece) => piece.length))).toBe(4);
  });

  it('that has nobody to pass on to holds no more than its size', () => {
    expect(() => new ImageBuffer(new Uint8Array(4)).room(4, 1)).toThrow(RangeError);
  });
});
