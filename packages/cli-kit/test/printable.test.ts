import { assert, property, uint8Array } from 'fast-check';
import { expect, it } from 'vitest';
import { printable, printableName } from '../src/printable.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

it.each([
  ['plain text, ünïcode 日本', 'plain text, ünïcode 日本'],
  ['a\nb\r\tc', 'a\\x0ab\\x0d\\x09c'],
  ['\u001B[31mred', '\\x1b[31mred'],
  ['\u009B2J', '\\x9b2J'],
  ['evil\u202Etxt.exe', 'evil\\u202etxt.exe'],
])('%j is safe as %j', (text, safe) => {
  expect(printable(text)).toBe(safe);
});

it.each([
  [new TextEncoder().encode('/usr/bin/ü'), '/usr/bin/ü'],
  [bytes(0x61, 0x5c, 0x6e), 'a\\\\n'],
  [bytes(0x61, 0x0a), 'a\\x0a'],
  [bytes(0x61, 0xff, 0x5c), 'a\\xff\\\\'],
  [bytes(0xc2, 0x9b), '\\u009b'],
  [bytes(0x9b), '\\x9b'],
])('a name of bytes is one line: %#', (name, line) => {
  expect(printableName(name)).toBe(line);
});

it('prints different names differently, and never a control character', () => {
  const name = uint8Array({ maxLength: 8 });
  assert(
    property(name, name, (a, b) => {
      expect(printableName(a) === printableName(b)).toBe(Buffer.compare(a, b) === 0);
      // oxlint-disable-next-line no-control-regex -- this is what must not be there
      expect(printableName(a)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    }),
  );
});
