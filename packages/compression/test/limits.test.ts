import { describe, expect, it } from 'vitest';
import { OutputGuard } from '../src/limits.ts';

const GIB = 2 ** 30;
const check = (output: number, input: number) => () => new OutputGuard().check(output, input);

describe('the limits of a stream that is given none', () => {
  it('let a gibibyte pass at any ratio, and any size at the ratios of real layers', () => {
    expect(check(GIB, 1)).not.toThrow();
    expect(check(500 * GIB, GIB)).not.toThrow();
  });
  it('refuse zeros as deflate packs them', () => {
    expect(check(GIB + 1030, GIB / 1030)).toThrow(expect.objectContaining({ code: 'RATIO_LIMIT' }));
  });
  it('refuse more than a tebibyte', () => {
    expect(check(1024 * GIB + 1, 1024 * GIB)).toThrow(expect.objectContaining({ code: 'OUTPUT_LIMIT' }));
  });
});
