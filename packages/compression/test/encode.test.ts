import { describe, expect, it } from 'vitest';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { encode } from '../src/index.ts';
import { collect, concat, noise, pieces, same, text } from './support.ts';

const content = concat(text(300_000), noise(100_000), new Uint8Array(200_000));
const cases = [
  { format: 'gzip', backend: 'node' },
  { format: 'gzip', backend: 'fflate' },
  { format: 'zstd', backend: 'node' },
  { format: 'zstd', backend: 'zstd-napi' },
  { format: 'none', backend: 'auto' },
] as const;

function unpack(format: (typeof cases)[number]['format'], packed: Uint8Array): Uint8Array {
  if (format === 'gzip') return gunzipSync(packed);
  return format === 'zstd' ? zstdDecompressSync(packed) : packed;
}

describe.each(cases)('$format by $backend', ({ format, backend }) => {
  it.each([0, 1, content.byteLength])('packs %i bytes', async (size) => {
    const part = content.subarray(0, size);
    const packed = await collect(encode(pieces(part, 10_000), { format, backend }));
    expect(same(unpack(format, packed), part)).toBe(true);
  });

  it.runIf(format !== 'none')('obeys the level', async () => {
    const [fast, best] = await Promise.all([1, 9].map((level) => collect(encode([content], { format, backend, level }))));
    expect(fast?.byteLength).toBeGreaterThan(best?.byteLength ?? 0);
  });

  // fflate's blocks end where its input does.
  it.runIf(backend !== 'fflate')('gives the same bytes however the source is cut', async () => {
    const whole = await collect(encode([content], { format, backend }));
    for (const size of [1000, 50_000]) expect(same(await collect(encode(pieces(content, size), { format, backend })), whole)).toBe(true);
  });

  it('puts out chunks of the size asked for', async () => {
    const chunks = await Array.fromAsync(encode(pieces(content, 4096), { format, backend, outputSize: 2048 }));
    expect(chunks.slice(0, -1).every(({ byteLength }) => byteLength === 2048)).toBe(true);
  });

  it('passes errors of the source on', async () => {
    const failure = new Error('disk');
    async function* failing(): AsyncGenerator<Uint8Array, void> {
      yield content;
      throw failure;
    }
    await expect(collect(encode(failing(), { format, backend }))).rejects.toBe(failure);
  });
});

it.each([
  ['gzip', 10],
  ['gzip', -1],
  ['zstd', 0],
  ['zstd', 23],
  ['zstd', 1.5],
] as const)('refuses %s at level %d', (format, level) => {
  expect(() => encode([], { format, level })).toThrow(RangeError);
});

it('puts no time into the header', async () => {
  for (const backend of ['node', 'fflate'] as const) {
    expect((await collect(encode([content], { format: 'gzip', backend }))).subarray(4, 8)).toEqual(new Uint8Array(4));
  }
});
