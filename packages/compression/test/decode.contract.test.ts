import * as fc from 'fast-check';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { decode } from '../src/index.ts';
import { gzipBomb, pack, zstdBomb } from './packing.ts';
import { bytesOf, codeOf, collect, concat, decoded, describeDecoders, flip, noise, pieces, same, text } from './support.ts';

const MIB = 2 ** 20;

/** 32 KiB of zstd that decode to 1 GiB, or 196 KiB of gzip that decode to 192 MiB. */
function bomb(format: 'gzip' | 'zstd'): Uint8Array {
  return format === 'zstd' ? zstdBomb(8192) : gzipBomb(12);
}

/** Bytes in buffers that somebody still holds. */
function liveBuffers(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc()');
  return process.memoryUsage().arrayBuffers;
}

/** The code of the error, or whether the content is as expected. */
async function outcomeOf(result: Promise<Uint8Array>, expected: Uint8Array): Promise<string> {
  const code = await codeOf(result);
  if (code !== 'NO_ERROR') return code;
  return same(await result, expected) ? 'SAME_CONTENT' : 'OTHER_CONTENT';
}

describeDecoders(undefined, (decoder) => {
  const { backend, format } = decoder;
  const options = { backend, format } as const;
  const small = text(700);
  const two = concat(pack(format, small), pack(format, small.subarray(0, 99)));

  describe('content', () => {
    it.each([
      ['nothing', new Uint8Array(0)],
      ['one byte', bytesOf(7)],
      ['text', text(100_000)],
      ['noise, which is stored', noise(200_000)],
      ['zeros', new Uint8Array(3 * MIB)],
      ['more than a chunk', text(3 * MIB + 17)],
      ['exactly the first buffer', text(65_536)],
      ['exactly a chunk more', text(65_536 + MIB)],
    ])('%s', async (_, content) => {
      expect(same(await decoded(pack(format, content), decoder), content)).toBe(true);
    });

    it.each(format === 'gzip' ? [0, 1, 9] : [1, 19])('of level %i', async (level) => {
      const content = concat(text(300_000), noise(70_000));
      expect(same(await decoded(pack(format, content, level), decoder), content)).toBe(true);
    });

    it('of several units', async () => {
      const parts = [text(5), new Uint8Array(0), noise(70_000), text(2 * MIB), text(1)];
      const packed = concat(...parts.map((part) => pack(format, part)));
      expect(same(await decoded(packed, decoder), concat(...parts))).toBe(true);
    });

    it('of very many small units', async () => {
      const unit = pack(format, small);
      const packed = concat(...Array.from({ length: 300 }, () => unit));
      expect((await decoded(packed, decoder)).byteLength).toBe(300 * small.byteLength);
    });
  });

  describe('chunks', () => {
    it('are about as large as asked for, and alone in their memory', async () => {
      const chunks = await Array.fromAsync(decode([pack(format, text(300_000))], { ...options, outputSize: 65_536 }));
      expect(chunks.map(({ byteLength }) => byteLength)).toEqual([65_536, 65_536, 65_536, 65_536, 300_000 - 4 * 65_536]);
      expect(new Set(chunks.map(({ buffer }) => buffer)).size).toBe(chunks.length);
    });

    it('may be transferred while decoding goes on', async () => {
      const content = text(400_000);
      const parts: Uint8Array[] = [];
      for await (const { buffer, byteLength } of decode(pieces(pack(format, content), 999), { ...options, outputSize: 50_000 })) {
        parts.push(new Uint8Array(structuredClone(buffer, { transfer: [buffer] }), 0, byteLength));
      }
      expect(same(concat(...parts), content)).toBe(true);
    });

    it('lie in memory that the caller gives, again and again', async () => {
      const content = text(400_000);
      const memory = new Uint8Array(65_536);
      const parts: Uint8Array[] = [];
      for await (const chunk of decode([pack(format, content)], { ...options, outputSize: 65_536, allocate: () => memory })) {
        expect(chunk.buffer).toBe(memory.buffer);
        parts.push(chunk.slice());
      }
      expect(same(concat(...parts), content)).toBe(true);
    });

    it('do not depend on how the source was cut', async () => {
      const content = concat(text(3000), noise(500), text(2000), new Uint8Array(1000));
      const packed = concat(pack(format, content), pack(format, small), pack(format, noise(300), 1));
      const expected = concat(content, small, noise(300));
      const cuts = fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 2000 })), { minLength: 2, maxLength: 400 });
      await fc.assert(
        fc.asyncProperty(cuts, fc.constantFrom(1024, 1500, 100_000), async (sizes, outputSize) => {
          const result = await collect(decode(pieces(packed, ...sizes), { ...options, outputSize }));
          expect(same(result, expected)).toBe(true);
        }),
        { numRuns: 40 },
      );
    });

    it('do not depend on the source being cut into bytes', async () => {
      expect(same(await collect(decode(pieces(two, 1), options)), concat(small, small.subarray(0, 99)))).toBe(true);
    });

    it('are right for any content', async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), fc.nat({ max: 40 }), async (seed, repeat) => {
          const content = concat(...Array.from({ length: repeat }, () => seed));
          expect(same(await decoded(pack(format, content), decoder), content)).toBe(true);
        }),
        { numRuns: 30 },
      );
    });
  });

  describe('bad input', () => {
    it('nothing at all', async () => {
      expect(await codeOf(decoded(new Uint8Array(0), decoder))).toBe('TRUNCATED');
    });

    it('another format', async () => {
      expect(await codeOf(decoded(text(1000), decoder))).toBe('BAD_MAGIC');
      expect(await codeOf(decoded(bytesOf(0), decoder))).toBe('BAD_MAGIC');
      expect(await codeOf(decoded(new Uint8Array(2000), decoder))).toBe('BAD_MAGIC');
      expect(await codeOf(decoded(pack(format === 'gzip' ? 'zstd' : 'gzip', small), decoder))).toBe('BAD_MAGIC');
    });

    it('cut off at every byte', async () => {
      const first = pack(format, small).byteLength;
      for (let end = 1; end < two.byteLength; end++) {
        const expected = end === first ? 'NO_ERROR' : 'TRUNCATED';
        expect([end, await codeOf(collect(decode(pieces(two.subarray(0, end), 61), options)))]).toEqual([end, expected]);
      }
    });

    it('cut off inside a large block', async () => {
      for (const content of [noise(200_000), text(200_000)]) {
        const packed = pack(format, content);
        const ends = [20, 1000, 30_000, packed.byteLength - 9, packed.byteLength - 1];
        for (const end of ends) expect([end, await codeOf(decoded(packed.subarray(0, end), decoder))]).toEqual([end, 'TRUNCATED']);
      }
    });

    it('with a bit flipped anywhere: an error, or the same content', async () => {
      const content = concat(text(1500), noise(300));
      const packed = pack(format, content);
      const outcomes = new Set<string>();
      for (let bit = 0; bit < packed.byteLength * 8; bit += 13) outcomes.add(await outcomeOf(decoded(flip(packed, bit), decoder), content));
      expect(outcomes).not.toContain('OTHER_CONTENT');
      expect(outcomes.size).toBeGreaterThan(2);
    });

    it('arbitrary bytes behind a good start: a value or a typed error', async () => {
      const start = pack(format, small).subarray(0, 30);
      await fc.assert(
        fc.asyncProperty(fc.nat({ max: 30 }), fc.uint8Array({ maxLength: 300 }), async (keep, tail) => {
          const packed = concat(start.subarray(0, keep), tail);
          expect(await codeOf(decoded(packed, decoder, { limits: { maxOutput: MIB } }))).toMatch(/^[A-Z_]+$/);
        }),
        { numRuns: 150 },
      );
    });

    it.each([
      ['garbage', bytesOf(1, 2, 3, 4, 5)],
      ['a single other byte', bytesOf(0x42)],
      ['text', text(70_000)],
    ])('%s behind the end', async (_, tail) => {
      const packed = pack(format, small);
      expect(await codeOf(decoded(concat(packed, tail), decoder))).toBe('TRAILING_DATA');
      expect(await codeOf(collect(decode([packed, tail], options)))).toBe('TRAILING_DATA');
    });

    it.each([1, 7, 512, 100_000])('%i zeros behind the end: padding to gzip, garbage to zstd', async (zeros) => {
      const packed = concat(pack(format, small), new Uint8Array(zeros));
      const expected = format === 'gzip' ? 'SAME_CONTENT' : 'TRAILING_DATA';
      for (const size of zeros === 100_000 ? [1000, Infinity] : [1, 100, Infinity]) {
        expect(await outcomeOf(collect(decode(pieces(packed, size), options)), small)).toBe(expected);
      }
    });
  });

  describe('limits', () => {
    it('stop a bomb, with flat memory', async () => {
      const packed = bomb(format);
      const maxOutput = (backend === 'fflate' ? 48 : 160) * MIB;
      expect(packed.byteLength).toBeLessThan(format === 'zstd' ? 2 ** 15 + 16 : 200_000);
      const memory = new Uint8Array(MIB);
      const before = liveBuffers();
      let peak = 0;
      let output = 0;
      const stream = decode([packed], { ...options, limits: { maxOutput }, allocate: () => memory });
      const run = async (): Promise<void> => {
        for await (const chunk of stream) {
          output += chunk.byteLength;
          if (output % (16 * MIB) === 0) peak = Math.max(peak, liveBuffers());
        }
      };
      expect(await codeOf(run())).toBe('OUTPUT_LIMIT');
      expect(output).toBeLessThanOrEqual(maxOutput);
      expect(output).toBeGreaterThanOrEqual(maxOutput - MIB);
      expect(peak).toBeGreaterThan(0);
      expect(peak - before).toBeLessThan(64 * MIB);
    });

    it('go by the ratio too', async () => {
      expect(await codeOf(decoded(bomb(format), decoder, { limits: { maxRatio: 100 } }))).toBe('RATIO_LIMIT');
      expect(await codeOf(decoded(pack(format, text(2 * MIB)), decoder, { limits: { maxRatio: 500 } }))).toBe('NO_ERROR');
      const zeros = pack(format, new Uint8Array(3 * MIB));
      expect(await codeOf(decoded(zeros, decoder, { limits: { maxRatio: 100, ratioFloor: 3 * MIB } }))).toBe('NO_ERROR');
      expect(await codeOf(decoded(zeros, decoder, { limits: { maxRatio: 100, ratioFloor: 3 * MIB - 1 } }))).toBe('RATIO_LIMIT');
    });

    it('allow exactly as much as they say', async () => {
      const content = text(100_000);
      expect(await codeOf(decoded(pack(format, content), decoder, { limits: { maxOutput: 100_000 } }))).toBe('NO_ERROR');
      expect(await codeOf(decoded(pack(format, content), decoder, { limits: { maxOutput: 99_999 } }))).toBe('OUTPUT_LIMIT');
    });
  });
});
