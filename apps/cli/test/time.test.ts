import { assert, bigInt, integer, property } from 'fast-check';
import { expect, it } from 'vitest';
import { formatTime } from '../src/time.ts';

it.each([
  [0n, 0, '1970-01-01T00:00:00Z'],
  [1_234_567_890n, 0, '2009-02-13T23:31:30Z'],
  [1_234_567_890n, 500_000_000, '2009-02-13T23:31:30.5Z'],
  [1_234_567_890n, 1, '2009-02-13T23:31:30.000000001Z'],
  [-1n, 0, '1969-12-31T23:59:59Z'],
  [-1n, 250_000_000, '1969-12-31T23:59:59.25Z'],
  [-62_135_596_800n, 0, '0001-01-01T00:00:00Z'],
  [253_402_300_799n, 999_999_999, '9999-12-31T23:59:59.999999999Z'],
  [253_402_300_800n, 0, '@253402300800'],
  [-(2n ** 63n), 5, '@-9223372036854775808.000000005'],
])('%d.%d is %s', (seconds, nanoseconds, text) => {
  expect(formatTime({ seconds, nanoseconds })).toBe(text);
});

it('means the second it was given', () => {
  assert(
    property(bigInt(-62_135_596_800n, 253_402_300_799n), integer({ min: 0, max: 999_999_999 }), (seconds, nanoseconds) => {
      const text = formatTime({ seconds, nanoseconds });
      expect(BigInt(Math.floor(Date.parse(text.replace(/\.\d+/, '')) / 1000))).toBe(seconds);
      expect(Number((/\.(\d+)/.exec(text)?.[1] ?? '0').padEnd(9, '0'))).toBe(nanoseconds);
    }),
  );
});
