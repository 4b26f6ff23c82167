import { describe, expect, it } from 'vitest';
import { zstdDecompressSync } from 'node:zlib';
import { createSplitstreamCodec, splitstreamCodec, zstdVersion } from '../src/index.ts';
import { pack } from './packing.ts';
import { collect, concat, noise, same, text } from './support.ts';

/** Sections of the splitstream vectors: content, and the frame that the reference writes. */
const frames: readonly [content: string, frame: string][] = [
  ['', '28b52ffd2000010000'],
  ['fbffffffffffffff68656c6c6f', '28b52ffd0058690000fbffffffffffffff68656c6c6f'],
  ['303a616761696e00313a616c70686100303a7a65746100', '28b52ffd0058b90000303a616761696e00313a616c70686100303a7a65746100'],
];

async function encoded(backend: 'zstd-napi' | 'node', parts: readonly Uint8Array[]): Promise<Uint8Array> {
  const encoder = createSplitstreamCodec(backend).createEncoder();
  const drained: Uint8Array[] = [];
  for (const part of parts) {
    const buffer = part.slice();
    encoder.push(buffer);
    buffer.fill(0xee); // the encoder must be done with it
    drained.push(...encoder.drain());
  }
  return concat(...drained, ...(await encoder.finish()));
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}

describe.each(['zstd-napi', 'node'] as const)('frames by %s', (backend) => {
  it.each(frames)('of %s', async (content, frame) => {
    const bytes = new Uint8Array(Buffer.from(content, 'hex'));
    for (const parts of [[bytes], cut(bytes, 1), [new Uint8Array(0), bytes, new Uint8Array(0)]]) {
      expect(Buffer.from(await encoded(backend, parts)).toString('hex')).toBe(frame);
    }
  });

  it('are the same in any pieces', async () => {
    const content = concat(text(400_000), noise(50_000), new Uint8Array(300_000), text(2 ** 17));
    const whole = await encoded(backend, [content]);
    expect(same(zstdDecompressSync(whole), content)).toBe(true);
    for (const size of [1000, 2 ** 17, 2 ** 18, 300_001]) expect(same(await encoded(backend, cut(content, size)), whole)).toBe(true);
  });

  it('are the same by the other library of the same version', async () => {
    if (zstdVersion('node') !== zstdVersion('zstd-napi')) return;
    for (const size of [13, 2 ** 17 - 1, 2 ** 17, 2 ** 17 + 1, 2 ** 18, 3 * 2 ** 18, 900_001]) {
      const content = concat(text(size >> 1), noise(size - (size >> 1)));
      expect(same(await encoded(backend, cut(content, 70_000)), await encoded('zstd-napi', [content]))).toBe(true);
    }
  });

  it('hand out what is finished on the way', async () => {
    const encoder = createSplitstreamCodec(backend).createEncoder();
    let drained = 0;
    for (const part of cut(noise(2 ** 20), 2 ** 16)) {
      encoder.push(part);
      await new Promise((resolve) => setTimeout(resolve, 5));
      for (const piece of encoder.drain()) drained += piece.byteLength;
    }
    expect(drained).toBeGreaterThan(2 ** 19);
    await encoder.finish();
  });
});

it('ids equal those of composefs-rs: the library is 1.5.7', () => {
  expect(zstdVersion()).toBe('1.5.7');
});

it('decodes every frame, from any iterable', async () => {
  const packed = [pack('zstd', text(100)), pack('zstd', text(200))];
  expect(same(await collect(splitstreamCodec.decode(packed)), concat(text(100), text(200)))).toBe(true);
});

it('refuses an empty section', async () => {
  await expect(collect(splitstreamCodec.decode([]))).rejects.toMatchObject({ code: 'TRUNCATED' });
});
