import { describe, expect, it } from 'vitest';
import { constants, zstdCompressSync } from 'node:zlib';
import { decode } from '../src/index.ts';
import { decodeFrameHeader, MAX_HEADER_SIZE, startsLikeFrame, ZstdBlockScanner } from '../src/zstd-frame.ts';
import { pack, skippable, zstdBomb } from './packing.ts';
import { bytesOf, codeOf, collect, concat, decoded, describeDecoders, noise, pieces, same, text } from './support.ts';

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd] as const;
const content = text(5000);
const frame = pack('zstd', content);

describeDecoders('zstd', (decoder) => {
  it.each([
    ['first', concat(skippable(0, text(100)), frame)],
    ['in the middle', concat(frame, skippable(15, text(100_000)), pack('zstd', new Uint8Array(0)))],
    ['last', concat(frame, skippable(3, bytesOf()))],
    ['everywhere', concat(skippable(1, frame), skippable(2, bytesOf()), frame, skippable(4, bytesOf(1)), skippable(5, text(70)))],
  ])('passes over skippable frames: %s', async (_, packed) => {
    for (const size of [1, 7, 1000, Infinity]) {
      if (packed.length > 50_000 && size === 1) continue;
      expect(same(await collect(decode(pieces(packed, size), decoder)), content)).toBe(true);
    }
  });

  it('makes nothing of skippable frames alone', async () => {
    expect((await decoded(skippable(0, text(10)), decoder)).byteLength).toBe(0);
  });

  it('is not content with a skippable frame cut off', async () => {
    const packed = concat(frame, skippable(7, text(100)));
    for (let cut = 1; cut < 108; cut++) expect(await codeOf(decoded(packed.subarray(0, -cut), decoder))).toBe('TRUNCATED');
  });

  it('refuses a window above 128 MiB, before anything is allocated', async () => {
    const largest = concat(bytesOf(...MAGIC, 0x00, 17 << 3), zstdBomb(1).subarray(6));
    expect(await codeOf(decoded(largest, decoder))).toBe('NO_ERROR');
    for (const descriptor of [(17 << 3) | 1, 21 << 3, 0xff]) {
      const packed = concat(bytesOf(...MAGIC, 0x00, descriptor), zstdBomb(1).subarray(6));
      expect(await codeOf(decoded(packed, decoder))).toBe('UNSUPPORTED');
    }
    const single = bytesOf(...MAGIC, 0xa0, 0x00, 0x00, 0x00, 0x10, 1, 0, 0);
    expect(await codeOf(decoded(single, decoder))).toBe('UNSUPPORTED');
  });

  it('refuses frames that need a dictionary', async () => {
    const packed = concat(bytesOf(...MAGIC, 0x01, 0x58, 0x2a), zstdBomb(1).subarray(6));
    await expect(decoded(packed, decoder)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('dictionary 42'),
    });
  });

  it('refuses a reserved bit, a reserved block type, the old formats', async () => {
    expect(await codeOf(decoded(concat(bytesOf(...MAGIC, 0x08, 0x58), zstdBomb(1).subarray(6)), decoder))).toBe('CORRUPT');
    expect(await codeOf(decoded(bytesOf(...MAGIC, 0x00, 0x58, 0x07, 0x00, 0x00), decoder))).toBe('CORRUPT');
    expect(await codeOf(decoded(bytesOf(0x27, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0), decoder))).toBe('BAD_MAGIC');
  });

  it('stops at once where a header announces more than is allowed', async () => {
    const announced = concat(bytesOf(...MAGIC, 0xc0, 0x58, 0, 0, 0, 0, 0, 1, 0, 0), zstdBomb(1).subarray(6));
    expect(await codeOf(decoded(announced, decoder, { limits: { maxOutput: 2 ** 20 } }))).toBe('OUTPUT_LIMIT');
  });

  it('refuses content of another length than announced, and a wrong checksum', async () => {
    const announced = concat(bytesOf(...MAGIC, 0x80, 0x58, 1, 0, 2, 0), zstdBomb(1).subarray(6));
    expect(await codeOf(decoded(announced, decoder))).toBe('CORRUPT');
    const damaged = frame.slice();
    damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1;
    expect(await codeOf(decoded(damaged, decoder))).toBe('CORRUPT');
  });

  it('reads frames of every shape', async () => {
    const whole = concat(noise(200_000), text(400_000), new Uint8Array(200_000));
    for (const params of [
      { [constants.ZSTD_c_contentSizeFlag]: 0 },
      { [constants.ZSTD_c_checksumFlag]: 1, [constants.ZSTD_c_windowLog]: 10 },
      { [constants.ZSTD_c_compressionLevel]: 19, [constants.ZSTD_c_enableLongDistanceMatching]: 1 },
      { [constants.ZSTD_c_compressionLevel]: -5 },
    ]) {
      const packed = new Uint8Array(zstdCompressSync(whole, { params }));
      for (const size of [4096, Infinity]) {
        expect(same(await collect(decode(pieces(concat(packed, packed), size), decoder)), concat(whole, whole))).toBe(true);
      }
    }
  });
});

describe('frame header', () => {
  it.each<[string, number[], ReturnType<typeof decodeFrameHeader>]>([
    ['window only', [0x00, 0x58], { size: 6, windowSize: 2 ** 21, dictionaryId: 0, contentSize: undefined, hasChecksum: false }],
    ['mantissa', [0x04, 0x5f], { size: 6, windowSize: 2 ** 21 + 7 * 2 ** 18, dictionaryId: 0, contentSize: undefined, hasChecksum: true }],
    ['single segment', [0x20, 0x07], { size: 6, windowSize: 7, dictionaryId: 0, contentSize: 7, hasChecksum: false }],
    ['two-byte size', [0x60, 0x01, 0x01], { size: 7, windowSize: 513, dictionaryId: 0, contentSize: 513, hasChecksum: false }],
    [
      'four-byte size',
      [0xa0, 1, 2, 3, 4],
      { size: 9, windowSize: 0x04030201, dictionaryId: 0, contentSize: 0x04030201, hasChecksum: false },
    ],
    [
      'dictionary of 4',
      [0x03, 0x58, 1, 2, 3, 4],
      { size: 10, windowSize: 2 ** 21, dictionaryId: 0x04030201, contentSize: undefined, hasChecksum: false },
    ],
    [
      'longest',
      [0xc3, 0x58, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
      { size: 18, windowSize: 2 ** 21, dictionaryId: 1, contentSize: 1, hasChecksum: false },
    ],
  ])('%s', (_, bytes, header) => {
    const whole = bytesOf(...MAGIC, ...bytes);
    expect(decodeFrameHeader(whole, 0)).toEqual(header);
    expect(whole.length).toBeLessThanOrEqual(MAX_HEADER_SIZE);
    for (let end = 0; end < whole.length; end++) expect(decodeFrameHeader(whole.subarray(0, end), 0)).toBeUndefined();
  });
});

describe('block scanner', () => {
  it('finds the end of a frame, fed in any pieces', () => {
    const whole = pack('zstd', concat(noise(300_000), text(100_000)));
    const header = decodeFrameHeader(whole, 0);
    expect(header).toBeDefined();
    for (const step of [1, 2, 5, 1000, Infinity]) {
      const scanner = new ZstdBlockScanner(header!);
      const stream = concat(whole.subarray(header!.size), text(100));
      let taken = 0;
      for (let at = 0; at < stream.length && !scanner.isDone; at += step) taken += scanner.scan(stream.subarray(at, at + step));
      expect(taken).toBe(whole.length - header!.size);
    }
  });
});

it('tells a frame that was cut off from something else', () => {
  expect([[], [0x28], [0x28, 0xb5, 0x2f], [0x5e], [0x50, 0x2a]].map((bytes) => startsLikeFrame(bytesOf(...bytes)))).toEqual(
    Array(5).fill(true),
  );
  expect([[0], [0x28, 0xb4], [0x60], [0x50, 0x2b]].map((bytes) => startsLikeFrame(bytesOf(...bytes)))).toEqual(Array(4).fill(false));
});
