import { expect, it } from 'vitest';
import { chooseVersion, type VersionRange } from '../src/index.ts';
import { device, directory } from './trees.ts';

const plain = directory({ d: directory({ c: device(5) }) });
const whiteouts = directory({ d: directory({ c: device(0) }) });

const cases: readonly (readonly [range: VersionRange, plain: number, whiteouts: number])[] = [
  [{}, 0, 1],
  [{ min: 0 }, 0, 0],
  [{ max: 1 }, 0, 1],
  [{ min: 1 }, 1, 1],
  [{ max: 0 }, 0, 0],
  [{ min: 0, max: 1 }, 0, 1],
  [{ min: 1, max: 0 }, 1, 1],
];

it.each(cases)('%o', (range, ...versions) => {
  expect([plain, whiteouts].map((tree) => chooseVersion(tree, range))).toEqual(versions);
});

it.each([{ min: 2 }, { max: 2 }, { min: -1 }, { min: 0.5 }])('refuses %o', (range) => {
  expect(() => chooseVersion(plain, range)).toThrow(RangeError);
});
