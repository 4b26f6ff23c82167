import { array, assert, constantFrom, property } from 'fast-check';
import { expect, it } from 'vitest';
import { ContainersStorageError } from '../src/index.ts';
import { pathBelow } from '../src/path-below.ts';

const below = (text: string): string => Buffer.from(pathBelow(Buffer.from(text), 'layer')).toString();

it.each([
  ['usr/file', 'usr/file'],
  ['./usr/file', 'usr/file'],
  ['/usr//file', 'usr/file'],
  ['usr/./lib/../file', 'usr/file'],
  ['a/...', 'a/...'],
])('%s is %s', (name, expected) => {
  expect(below(name)).toBe(expected);
});

it.each(['../../etc/shadow', 'usr/../../x', '/..', '.', '', '/', 'a/..', 'a\0b'])('refuses %j', (name) => {
  expect(() => below(name)).toThrow(expect.objectContaining({ code: 'UNSAFE_PATH' }));
});

it('gives names without dots, or refuses, whatever comes', () => {
  const name = array(constantFrom('.', '..', '', 'a', 'b c', '\0', '..x')).map((parts) => parts.join('/'));
  assert(
    property(name, (text) => {
      expect(partsOf(text)).toSatisfy((parts?: readonly string[]) => parts?.every((part) => !['', '.', '..'].includes(part)) ?? true);
    }),
  );
});

/** Undefined for what is refused. */
function partsOf(name: string): readonly string[] | undefined {
  try {
    return below(name).split('/');
  } catch (error) {
    if (error instanceof ContainersStorageError && error.code === 'UNSAFE_PATH') return undefined;
    throw error;
  }
}
