import { describe, expect, it } from 'vitest';
import { decode, type CompressionFormat } from '../src/index.ts';
import { pack, zstdBomb } from './packing.ts';
import { codeOf, collect, concat, describeDecoders, same, text } from './support.ts';

/** A source that tells what was done with it. */
class Watched {
  given = 0;
  wasReadToEnd = false;
  wasClosed = false;
  readonly #chunks: readonly Uint8Array[];
  readonly #verdict: Error | undefined;

  constructor(chunks: readonly Uint8Array[], verdict?: Error) {
    this.#chunks = chunks;
    this.#verdict = verdict;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    try {
      for (const chunk of this.#chunks) {
        this.given++;
        yield chunk;
      }
      this.wasReadToEnd = true;
      if (this.#verdict !== undefined) throw this.#verdict;
    } finally {
      this.wasClosed = true;
    }
  }
}

describeDecoders(undefined, (decoder) => {
  const packed = pack(decoder.format, text(200_000));
  const rest = Array.from({ length: 20 }, () => text(1000));

  it('is read to its end', async () => {
    const source = new Watched([packed]);
    await collect(decode(source, decoder));
    expect(source).toMatchObject({ wasReadToEnd: true, wasClosed: true });
  });

  it('is read to its end although the data is refused', async () => {
    const source = new Watched([packed.subarray(0, 100), ...rest]);
    expect(await codeOf(collect(decode(source, decoder)))).not.toBe('NO_ERROR');
    expect(source).toMatchObject({ wasReadToEnd: true, wasClosed: true, given: 21 });
  });

  it('has the first word: a digest that does not match explains why the data is corrupt', async () => {
    const verdict = new Error('digest mismatch');
    for (const chunks of [[packed], [packed, ...rest], rest, [packed.subarray(0, 100), ...rest]]) {
      await expect(collect(decode(new Watched(chunks, verdict), decoder))).rejects.toBe(verdict);
    }
  });

  it('is closed when the consumer has seen enough', async () => {
    const source = new Watched([packed, ...rest]);
    for await (const chunk of decode(source, { ...decoder, outputSize: 1024 })) {
      expect(chunk.byteLength).toBe(1024);
      break;
    }
    expect(source).toMatchObject({ wasReadToEnd: false, wasClosed: true, given: 1 });
  });

  it('is closed, and not read on, when a limit is passed', async () => {
    const source = new Watched([packed, ...rest]);
    expect(await codeOf(collect(decode(source, { ...decoder, limits: { maxOutput: 10_000 } })))).toBe('OUTPUT_LIMIT');
    expect(source).toMatchObject({ wasReadToEnd: false, wasClosed: true, given: 1 });
  });

  it('is closed when the signal says so', async () => {
    const controller = new AbortController();
    const source = new Watched([packed.subarray(0, 1000), packed.subarray(1000), ...rest]);
    const reason = new Error('enough');
    const run = async (): Promise<void> => {
      for await (const chunk of decode(source, { ...decoder, outputSize: 1024, signal: controller.signal })) {
        if (chunk.byteLength > 0) controller.abort(reason);
      }
    };
    await expect(run()).rejects.toBe(reason);
    expect(source.wasClosed).toBe(true);
  });

  it('may be any iterable', async () => {
    expect(same(await collect(decode([packed.subarray(0, 9), packed.subarray(9)], decoder)), text(200_000))).toBe(true);
    expect(same(await collect(decode(new Set([Buffer.from(packed)]), decoder)), text(200_000))).toBe(true);
  });
});

describe('without compression', () => {
  const format: CompressionFormat = 'none';

  it('large chunks pass as they are', async () => {
    const chunk = text(100_000).slice();
    expect(await Array.fromAsync(decode([chunk], { format }))).toEqual([chunk]);
    for await (const passed of decode([chunk], { format })) expect(passed).toBe(chunk);
  });

  it('chunks that share their memory are copied, small ones gathered', async () => {
    const content = text(300_000);
    const parts = [content.subarray(0, 5), content.subarray(5, 100_000), content.slice(100_000, 200_000), content.subarray(200_000)];
    const chunks = await Array.fromAsync(decode(parts, { format }));
    expect(same(concat(...chunks), content)).toBe(true);
    expect(chunks.every(({ buffer }) => buffer !== content.buffer)).toBe(true);
    expect(new Set(chunks.map(({ buffer }) => buffer)).size).toBe(chunks.length);
  });

  it('memory of the caller is used', async () => {
    const memory = new Uint8Array(2048);
    const content = text(100_000).slice();
    const parts: Uint8Array[] = [];
    for await (const chunk of decode([content], { format, outputSize: 2048, allocate: () => memory })) parts.push(chunk.slice());
    expect(same(concat(...parts), content)).toBe(true);
  });

  it('limits hold', async () => {
    expect(await codeOf(collect(decode([text(100_000).slice()], { format, limits: { maxOutput: 99_999 } })))).toBe('OUTPUT_LIMIT');
  });

  it('nothing is nothing', async () => {
    expect(await Array.fromAsync(decode([], { format }))).toEqual([]);
  });
});

describe('defaults', () => {
  it('stop what only a bomb reaches', async () => {
    const memory = new Uint8Array(2 ** 24);
    const parts = async (): Promise<void> => {
      const stream = decode([zstdBomb(40_000)], { format: 'zstd', outputSize: memory.byteLength, allocate: () => memory });
      for await (const chunk of stream) expect(chunk.byteLength).toBeGreaterThan(0);
    };
    expect(await codeOf(parts())).toBe('RATIO_LIMIT');
  });
});

describe('wrong calls', () => {
  it.each([0, 1023, 1.5, 2 ** 30 + 1, NaN])('outputSize %d', (outputSize) => {
    expect(() => decode([], { format: 'none', outputSize })).toThrow(RangeError);
  });

  it('allocate that gives too little', async () => {
    const stream = decode([pack('gzip', text(10))], { format: 'gzip', allocate: () => new Uint8Array(10) });
    await expect(collect(stream)).rejects.toThrow(RangeError);
  });
});
