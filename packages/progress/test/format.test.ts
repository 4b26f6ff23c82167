import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatBytes, formatComponent, formatDuration, printable } from '../src/index.ts';

interface StatsText {
  readonly import_stats_text: { readonly cases: readonly { readonly stats: Readonly<Record<string, number>>; readonly text: string }[] };
}
const { import_stats_text } = JSON.parse(readFileSync(new URL('vectors/progress.json', import.meta.url), 'utf8')) as StatsText;

describe('formatBytes', () => {
  const sizes = import_stats_text.cases.flatMap(({ stats, text }) =>
    Object.entries(stats).flatMap(([name, size]) => (name.startsWith('bytes_') ? [[size, text] as const] : [])),
  );
  it.each(sizes)('%s is in: %s', (size, text) => {
    expect(text).toContain(` ${formatBytes(size)} `);
  });
  it('is tried on every size of the vectors', () => {
    expect(sizes).toHaveLength(12);
  });
  // Printed by Rust 1.95 for the same quotients with {:.2}: halves go to the even digit.
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.00 KiB'],
    [1029, '1.00 KiB'],
    [1034, '1.01 KiB'],
    [1152, '1.12 KiB'],
    [1408, '1.38 KiB'],
    [1664, '1.62 KiB'],
    [1920, '1.88 KiB'],
    [2176, '2.12 KiB'],
    [1_048_575, '1024.00 KiB'],
    [1_048_576, '1.00 MiB'],
    [2 ** 40, '1.00 TiB'],
    [Number.MAX_SAFE_INTEGER, '8.00 PiB'],
  ])('%s is %s', (size, text) => {
    expect(formatBytes(size)).toBe(text);
  });
});

it.each([
  [0, '0.0 s'],
  [3149, '3.1 s'],
  [59_940, '59.9 s'],
  [59_950, '1 min 0 s'],
  [125_000, '2 min 5 s'],
  [3_599_499, '59 min 59 s'],
  [3_599_500, '1 h 0 min'],
  [7_260_000, '2 h 1 min'],
])('%s ms is %s', (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
});

it.each([
  ['sha256:f5603e7e553d3a4f891e8b38f8e347b91fe3a45f30be0491a452d3a76c48e6aa', 'layer f5603e7e553d'],
  ['sha256:f5603e7e553d3a4f891e8b38f8e347b91fe3a45f30be0491a452d3a76c48e6aa#2', 'layer f5603e7e553d#2'],
  ['config', 'config'],
  ['objects:NAME', 'objects:NAME'],
  ['a\nb', 'a\\x0ab'],
])('component %j is called %j', (id, text) => {
  expect(formatComponent(id)).toBe(text);
});

it('printable keeps text and takes the teeth out of the rest', () => {
  expect(printable('größe 日本 \u{1f600}')).toBe('größe 日本 \u{1f600}');
  expect(printable('\u001b[31m\r\n\u0000\u007f\u009b\u2028')).toBe('\\x1b[31m\\x0d\\x0a\\x00\\x7f\\x9b\\u2028');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(printable(text)).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
    }),
  );
});
