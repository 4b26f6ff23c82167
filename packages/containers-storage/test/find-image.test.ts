import { expect, it } from 'vitest';
import { findImage, parseWanted } from '../src/find-image.ts';
import type { ImageRecord } from '../src/records.ts';

const [A, B, C] = ['a', 'b', 'abc'].map((text) => text.repeat(64).slice(0, 64)) as [string, string, string];
const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;

function record(id: string, names: readonly string[], bigDataNames: readonly string[] = []): ImageRecord {
  return { id, names, digest: digest('1'), layer: undefined, bigDataNames };
}

const images = [
  record(A, ['docker.io/library/alpine:latest', 'quay.io/o/i:1']),
  record(B, ['localhost/app:1', 'docker.io/library/abcd:latest', `quay.io/o/pinned@${digest('2')}`], [`manifest-${digest('2')}`]),
  record(C, []),
];

it.each([
  ['alpine', A],
  ['docker.io/library/alpine', A],
  ['docker.io/alpine:latest', A],
  ['quay.io/o/i:1', A],
  [`quay.io/o/i@${digest('1')}`, A],
  [`quay.io/o/i:7@${digest('1')}`, A],
  ['app:1', B],
  ['localhost/app:1', B],
  [`app@${digest('2')}`, B],
  [`quay.io/o/pinned@${digest('2')}`, B],
  [A, A],
  [`@${A}`, A],
  [`sha256:${A}`, A],
  [`@${B.slice(0, 12)}`, B],
  [B.slice(0, 12), B],
  [`localhost/app:1@${B}`, B],
  ['abcab', C],
  ['abcd', B], // begins no id, but is a name
])('finds %s', (text, id) => {
  expect(findImage(images, parseWanted(text))?.id).toBe(id);
});

it.each([
  'alpine:3',
  'quay.io/o/i',
  'app',
  `quay.io/o/i@${digest('2')}`,
  `quay.io/o/pinned@${digest('1')}`,
  `localhost/app:1@${A}`,
  'quay.io/o:1',
  'd'.repeat(64),
])('does not find %s', (text) => {
  expect(findImage(images, parseWanted(text))).toBeUndefined();
});

it('does not take the beginning of several ids for one of them', () => {
  expect(findImage([record(A, []), record(`aaa${B.slice(3)}`, [])], parseWanted('@aaa'))).toBeUndefined();
});

it.each(['Bad Name', 'a:b:c', '', 'x@sha256:1'])('refuses %j', (text) => {
  expect(() => parseWanted(text)).toThrow(expect.objectContaining({ name: 'OciRefError' }));
});
