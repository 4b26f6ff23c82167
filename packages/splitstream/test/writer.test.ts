import * as fc from 'fast-check';
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { SplitstreamWriter, type SplitstreamCodec } from '../src/index.ts';
import { bytes, chunksOf, codec, concat, fileOf, fsVerityDigest, id, MemoryScratch, noise, open, same, utf8, writer } from './support.ts';

/** The generator of the reference: byte i is ((i + seed) * 17) mod 256. */
const data = (size: number, seed: number): Uint8Array => Uint8Array.from({ length: size }, (_, index) => (index + seed) * 17);

async function written(...pieces: readonly (readonly ['inline' | 'external', Uint8Array])[]): ReturnType<typeof open> {
  const stream = writer();
  for (const [kind, content] of pieces) {
    if (kind === 'inline') stream.inline(content);
    else stream.external(fsVerityDigest(content, 'sha256'), content.byteLength);
  }
  return open(await fileOf(stream.finish()));
}

async function large(scratch?: () => MemoryScratch): Promise<Uint8Array> {
  const stream = writer(scratch);
  const piece = noise(300_000);
  for (let index = 0; index < 40; index++) stream.inline(piece);
  stream.external(id(1), 1);
  for (let index = 0; index < 40; index++) {
    stream.inline(noise(300_000, index));
    stream.external(id(index), 1);
  }
  return fileOf(stream.finish());
}

describe('the tests of the reference', () => {
  it('inline only: two writes are one chunk', async () => {
    expect(await chunksOf(await written(['inline', data(32, 1)], ['inline', data(48, 2)]))).toEqual([concat([data(32, 1), data(48, 2)])]);
  });

  it('a large external', async () => {
    const content = data(128 * 1024, 3);
    const stream = await written(['external', content]);
    expect(stream.objectRefs).toEqual([fsVerityDigest(content, 'sha256')]);
    expect(stream.streamSize).toBe(128 * 1024);
  });

  it('mixed content', async () => {
    const external = data(64 * 1024, 5);
    const stream = await written(['inline', data(512, 4)], ['external', external], ['inline', data(1024, 6)]);
    expect(await chunksOf(stream)).toEqual([data(512, 4), fsVerityDigest(external, 'sha256'), data(1024, 6)]);
  });

  it('deduplication, in the order of first use', async () => {
    const [one, two] = [data(4096, 1), data(4097, 2)];
    const stream = await written(['external', one], ['inline', utf8('-')], ['external', two], ['external', one]);
    const objects = [fsVerityDigest(one, 'sha256'), fsVerityDigest(two, 'sha256')];
    expect(stream.objectRefs).toEqual(objects);
    expect(await chunksOf(stream)).toEqual([objects[0], utf8('-'), objects[1], objects[0]]);
  });

  it.each([4095, 4096, 4097, 65_535, 65_536, 65_537])('external of %i bytes', async (size) => {
    expect(await written(['external', data(size, 9)])).toMatchObject({
      streamSize: size,
      objectRefs: [fsVerityDigest(data(size, 9), 'sha256')],
    });
  });

  it('the total size', async () => {
    expect((await written(['inline', data(100, 1)], ['external', data(1000, 2)])).streamSize).toBe(1100);
  });
});

describe('runs', () => {
  it.each([1, 262_135, 262_136, 262_137, 262_144, 600_000, 3_000_000])('of %i bytes, in one call or many', async (size) => {
    const run = noise(size);
    const files = [];
    for (const step of [size, 100_000, 262_144]) {
      const stream = writer();
      stream.inline(utf8('x'));
      stream.external(id(1), 5);
      for (let at = 0; at < size; at += step) stream.inline(run.subarray(at, at + step));
      stream.external(id(2), 6);
      stream.inline(run.subarray(0, 10));
      files.push(await fileOf(stream.finish()));
    }
    const [file = new Uint8Array(0)] = files;
    const chunks = await chunksOf(await open(file));
    expect(chunks.map((chunk) => (typeof chunk === 'string' ? chunk : chunk.byteLength))).toEqual([
      1,
      id(1),
      size,
      id(2),
      Math.min(10, size),
    ]);
    expect(same(chunks[2] as Uint8Array, run)).toBe(true);
    expect(files.every((other) => same(other, file))).toBe(true);
  });

  it('the same calls give the same bytes, whatever the sizes', async () => {
    const piece = fc.oneof(fc.nat({ max: 300 }), fc.integer({ min: 200_000, max: 300_000 }), fc.constant(-1));
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        const stream = writer();
        const expected: (string | Uint8Array)[] = [];
        let run: Uint8Array[] = [];
        const endRun = (): void => {
          const whole = concat(run.splice(0));
          if (whole.byteLength > 0) expected.push(whole);
        };
        for (const [index, size] of pieces.entries()) {
          if (size < 0) {
            endRun();
            stream.external(id(index % 3), 1);
            expected.push(id(index % 3));
          } else {
            run.push(noise(size, index));
            stream.inline(noise(size, index));
          }
        }
        endRun();
        const chunks = await chunksOf(await open(await fileOf(stream.finish())));
        expect(chunks.length).toBe(expected.length);
        expect(chunks.every((chunk, index) => Buffer.compare(Buffer.from(chunk), Buffer.from(expected[index] ?? '')) === 0)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it('bytes may be used again at once', async () => {
    const buffer = utf8('hello');
    const stream = writer();
    stream.inline(buffer);
    buffer.fill(0);
    expect(await chunksOf(await open(await fileOf(stream.finish())))).toEqual([utf8('hello')]);
  });

  it('nothing is nothing', async () => {
    const stream = writer();
    stream.inline(new Uint8Array(0));
    expect(await fileOf(stream.finish())).toEqual(await fileOf(writer().finish()));
  });
});

describe('scratch files', () => {
  it('take what gets large, and are closed', async () => {
    const files: MemoryScratch[] = [];
    const file = await large(() => {
      const scratch = new MemoryScratch();
      files.push(scratch);
      return scratch;
    });
    expect(files.length).toBe(2);
    expect(files.map(({ isClosed }) => isClosed)).toEqual([true, true]);
    expect(files[0]?.size).toBeGreaterThan(11_000_000);
    expect(same(file, await large())).toBe(true);
    const runs = (await chunksOf(await open(file))).map((chunk) => chunk.length);
    expect(runs.slice(0, 3)).toEqual([12_000_000, 64, 300_000]);
  });

  it('are not used for little', async () => {
    const stream = writer(() => {
      throw new Error('unwanted');
    });
    for (let index = 0; index < 10; index++) stream.inline(noise(300_000, index));
    expect((await fileOf(stream.finish())).byteLength).toBeGreaterThan(1_000_000);
  });

  it('are closed when the writer is given up', () => {
    const files: MemoryScratch[] = [];
    const stream = writer(() => {
      const scratch = new MemoryScratch();
      files.push(scratch);
      return scratch;
    });
    for (let index = 0; index < 30; index++) stream.inline(noise(300_000, index));
    stream.close();
    stream.close();
    expect(files.map(({ isClosed }) => isClosed)).toEqual([true]);
  });

  it('are closed when the file cannot be completed', async () => {
    const files: MemoryScratch[] = [];
    const scratch = (): MemoryScratch => {
      files.push(new MemoryScratch());
      return files.at(-1)!;
    };
    const full = { ...codec, createEncoder: () => ({ push: () => undefined, finish: () => Promise.reject(new Error('disk full')) }) };
    const stream = new SplitstreamWriter({ algorithm: 'sha256', contentType: 0n, codec: full, scratch });
    for (let index = 0; index < 30; index++) stream.inline(noise(300_000, index));
    await expect(stream.finish()).rejects.toThrow('disk full');
    expect(files.map(({ isClosed }) => isClosed)).toEqual([true]);
    stream.close();
  });

  it('the file can be read more than once before it is closed', async () => {
    const stream = writer(() => new MemoryScratch());
    for (let index = 0; index < 40; index++) {
      stream.inline(noise(300_000, index));
      stream.external(id(1), 1);
    }
    const finished = await stream.finish();
    expect(same(concat(finished.chunks()), concat(finished.chunks()))).toBe(true);
    expect(concat(finished.chunks()).byteLength).toBe(finished.size);
    finished.close();
  });
});

describe('names', () => {
  it('are sorted by their UTF-8 bytes', async () => {
    const stream = writer();
    const names = ['\u{10000}', '\u{e000}', 'b', 'a', '', 'ä', 'a:b'];
    for (const [index, name] of names.entries()) stream.namedRef(name, id(index));
    const file = await fileOf(stream.finish());
    expect([...(await open(file)).namedRefs.keys()]).toEqual(['', 'a', 'a:b', 'b', 'ä', '\u{e000}', '\u{10000}']);
    expect((await open(file)).streamRefs).toEqual(names.map((_, index) => id(index)));
  });

  it.each(['a\0b', '\ud800', 'x\udc00y'])('refuses %j', (name) => {
    expect(() => writer().namedRef(name, id(1))).toThrow(expect.objectContaining({ code: 'INVALID_NAME' }));
  });

  it('any others come back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.string({ unit: 'binary' }).filter((name) => !name.includes('\0'))), async (names) => {
        const stream = writer();
        for (const [index, name] of names.entries()) stream.namedRef(name, id(index % 5));
        const { namedRefs } = await open(await fileOf(stream.finish()));
        expect(new Map(namedRefs)).toEqual(new Map(names.map((name, index) => [name, id(index % 5)])));
      }),
      { numRuns: 50 },
    );
  });
});

describe('wrong calls', () => {
  it.each(['', 'a'.repeat(63), 'a'.repeat(128), 'A'.repeat(64), `${'a'.repeat(63)}g`, `sha256:${'a'.repeat(57)}`])('id %j', (wrong) => {
    const stream = writer();
    expect(() => stream.external(wrong, 1)).toThrow(TypeError);
    expect(() => stream.objectRef(wrong)).toThrow(TypeError);
    expect(() => stream.namedRef('a', wrong)).toThrow(TypeError);
  });

  it.each([-1, 1.5, NaN, 2 ** 53])('size %d', (size) => {
    expect(() => writer().external(id(1), size)).toThrow(RangeError);
  });

  it('a type that does not fit', async () => {
    const stream = new SplitstreamWriter({ algorithm: 'sha256', contentType: 2n ** 64n, codec });
    await expect(stream.finish()).rejects.toThrow(RangeError);
  });

  it('anything after the end', async () => {
    const stream = writer();
    await stream.finish();
    expect(() => stream.inline(utf8('x'))).toThrow(TypeError);
    expect(() => stream.external(id(1), 1)).toThrow(TypeError);
    await expect(stream.finish()).rejects.toThrow(TypeError);
    const closed = writer();
    closed.close();
    expect(() => closed.objectRef(id(1))).toThrow(TypeError);
  });
});

it('works with an encoder that gives everything at the end', async () => {
  const simple: SplitstreamCodec = {
    ...codec,
    createEncoder: () => {
      const encoder = codec.createEncoder();
      return { push: (piece) => encoder.push(piece), finish: () => encoder.finish() };
    },
  };
  const stream = new SplitstreamWriter({ algorithm: 'sha256', contentType: 0n, codec: simple });
  const other = writer();
  for (const target of [stream, other]) for (let index = 0; index < 5; index++) target.inline(noise(200_000, index));
  expect(same(await fileOf(stream.finish()), await fileOf(other.finish()))).toBe(true);
});

it('frames are those of the reference: no content size, no checksum, a window of 2 MiB', async () => {
  const stream = writer();
  stream.inline(noise(500_000));
  const file = await fileOf(stream.finish());
  const section = file.subarray(112 + 9);
  expect(section.subarray(0, 6)).toEqual(bytes('28b52ffd0058'));
  expect(zstdDecompressSync(section).byteLength).toBe(500_008);
});
