import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { detectFormat } from '../src/index.ts';
import vectors from './vectors/compressed-variants.json' with { type: 'json' };
import { codeOf, decoded, describeDecoders } from './support.ts';

const all = vectors.variants.map(({ id, media_type, blob, expected }) => ({
  id,
  format: media_type.endsWith('+gzip') ? 'gzip' : media_type.endsWith('+zstd') ? 'zstd' : 'none',
  bytes: new Uint8Array(Buffer.from(blob, 'base64')),
  expected,
}));

describeDecoders(undefined, (decoder) => {
  const mine = all.filter(({ format }) => format === decoder.format);
  const good = mine.filter(({ expected }) => expected === undefined || expected === 'complete layer');
  const bad = mine.filter(({ expected }) => expected?.startsWith('error'));

  it('has vectors', () => {
    expect(good.length).toBeGreaterThan(1);
    expect(good.length + bad.length).toBe(mine.length);
  });

  it.each(good)('$id gives the layer', async ({ bytes }) => {
    expect(`sha256:${hash('sha256', await decoded(bytes, decoder))}`).toBe(vectors.diff_id);
  });

  it.each(bad)('$id is refused', async ({ id, bytes }) => {
    expect(await codeOf(decoded(bytes, decoder))).toBe(id === 'gzip-truncated' ? 'TRUNCATED' : 'BAD_MAGIC');
  });
});

describe('detectFormat', () => {
  it.each(all)('$id', ({ id, format, bytes }) => {
    const declaredWrong: Record<string, string> = { 'plain-declared-gzip': 'none', 'gzip-declared-plain': 'gzip' };
    expect(detectFormat(bytes)).toBe(declaredWrong[id] ?? format);
  });

  it('knows skippable frames, and needs enough to go by', () => {
    expect(detectFormat(Uint8Array.of(0x5f, 0x2a, 0x4d, 0x18))).toBe('zstd');
    expect(detectFormat(Uint8Array.of(0x28, 0xb5, 0x2f))).toBe('none');
    expect(detectFormat(Uint8Array.of(0x1f, 0x8b))).toBe('gzip');
    expect(detectFormat(new Uint8Array(0))).toBe('none');
  });
});
