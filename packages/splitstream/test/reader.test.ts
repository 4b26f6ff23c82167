import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openSplitstream, readContent, SplitstreamError, type ByteSource } from '../src/index.ts';
import { assemble, chunks, zstd, type Handmade } from './assemble.ts';
import { bytes, chunksOf, codec, codeOf, concat, id, noise, open, same, utf8 } from './support.ts';
import { vectors } from './vector-file.ts';

const ids = (...values: readonly number[]): Uint8Array => bytes(values.map((value) => id(value)).join(''));

async function errorOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SplitstreamError)) throw new Error(`no SplitstreamError: ${String(error)}`);
  return `${error.code} ${error.message}`;
}

function opening(made: Handmade): Promise<string> {
  return errorOf(open(assemble(made)));
}

/** The error met while reading chunks with this content of the stream section, compressed or as `stream` says. */
async function reading(content: Uint8Array, made: Handmade = {}): Promise<string> {
  return errorOf(open(assemble({ objectRefs: ids(1, 2), stream: zstd(content), ...made })).then((stream) => chunksOf(stream)));
}

describe('accepted', () => {
  const content = chunks('one', 0, 'two', 'three', 1, 1);
  const made = { objectRefs: ids(1, 2), streamRefs: ids(3, 4), namedRefs: zstd('0:a\x001:b\0'), stream: zstd(content) };
  const expected = [utf8('one'), id(1), utf8('two'), utf8('three'), id(2), id(2)];

  it.each<[string, Handmade]>([
    ['as written', {}],
    ['with gaps', { gap: 13 }],
    ['in any order', { reversed: true, gap: 1 }],
    ['with a longer info section', { infoTail: noise(100) }],
    ['with other zstd frames', { stream: concat([zstd(content.subarray(0, 20)), zstd(new Uint8Array(0)), zstd(content.subarray(20))]) }],
    ['with a skippable frame', { stream: concat([bytes('502a4d18 03000000 616263'), zstd(content)]) }],
  ])('%s', async (_, other) => {
    const stream = await open(assemble({ ...made, ...other }));
    expect(await chunksOf(stream)).toEqual(expected);
    expect([...stream.namedRefs]).toEqual([
      ['a', id(3)],
      ['b', id(4)],
    ]);
    expect(await chunksOf(stream)).toEqual(expected);
  });

  it('sections that overlap', async () => {
    const file = assemble({ ...made, ranges: { streamRefs: [112n, 112n + 64n], objectRefs: [112n, 112n + 64n] } });
    expect(await open(file)).toMatchObject({ streamRefs: [id(3), id(4)], objectRefs: [id(3), id(4)] });
  });

  it('empty tables wherever they point', async () => {
    const far: readonly [bigint, bigint] = [2n ** 64n - 1n, 2n ** 64n - 1n];
    const stream = await open(assemble({ ranges: { streamRefs: far, objectRefs: far } }));
    expect([stream.streamRefs, stream.objectRefs]).toEqual([[], []]);
  });

  it('no expectation of a type', async () => {
    expect((await open(assemble({ contentType: 2n ** 64n - 1n }))).contentType).toBe(2n ** 64n - 1n);
  });

  it('names that are odd, and indices as the reference parses them', async () => {
    const namedRefs = zstd('+0:\x0000001:config:sha256:abc\x000:\u{feff}x\x000:twice\x001:twice\0');
    expect([...(await open(assemble({ ...made, namedRefs }))).namedRefs]).toEqual([
      ['', id(3)],
      ['config:sha256:abc', id(4)],
      ['\u{feff}x', id(3)],
      ['twice', id(4)],
    ]);
  });
});

describe('refused when opened', () => {
  it.each<[string, Handmade]>([
    ['NEGATIVE_RANGE Negative-sized range in splitstream', { ranges: { info: [112n, 32n] } }],
    ['NEGATIVE_RANGE Negative-sized range in splitstream', { ranges: { streamRefs: [5n, 4n] } }],
    ['NEGATIVE_RANGE Negative-sized range in splitstream', { ranges: { objectRefs: [2n ** 64n - 1n, 0n] } }],
    ['NEGATIVE_RANGE Negative-sized range in splitstream', { ranges: { namedRefs: [5n, 4n] } }],
    ['NEGATIVE_RANGE Negative-sized range in splitstream', { ranges: { stream: [5n, 4n] } }],
    [
      'OVERSIZED_SECTION Unable to allocate buffer for implausibly large splitstream section',
      { ranges: { objectRefs: [0n, 2n ** 64n - 1n] } },
    ],
    ['OVERSIZED_SECTION Unable to allocate buffer for implausibly large splitstream section', { ranges: { streamRefs: [0n, 2n ** 30n] } }],
    ['OVERSIZED_SECTION Unable to allocate buffer for implausibly large splitstream section', { ranges: { namedRefs: [0n, 2n ** 25n] } }],
    ['INCOMPLETE_READ Incomplete read from splitstream file', { ranges: { objectRefs: [0n, 2n ** 20n] } }],
    ['INCOMPLETE_READ Incomplete read from splitstream file', { ranges: { info: [100n, 2n ** 63n] } }],
    ['INCOMPLETE_READ Incomplete read from splitstream file', { ranges: { info: [2n ** 40n, 2n ** 40n + 80n] } }],
    ['INCOMPLETE_READ Incomplete read from splitstream file', { ranges: { stream: [112n, 2n ** 60n] } }],
    ['BAD_INFO Error reading splitstream metadata: wanted 80 bytes, found 79 at offset 0', { ranges: { info: [32n, 111n] } }],
    ['BAD_INFO Error reading splitstream metadata: wanted 80 bytes, found 0 at offset 0', { ranges: { info: [32n, 32n] } }],
    ['BAD_STREAM_REFS Error reading splitstream references: 33 bytes are no whole number of ids of 32 bytes', { streamRefs: noise(33) }],
    ['BAD_OBJECT_REFS Error reading object references: 1 bytes are no whole number of ids of 32 bytes', { objectRefs: noise(1) }],
  ])('%s', async (error, made) => {
    expect(await opening(made)).toBe(error);
  });

  it.each<[string, Uint8Array]>([
    ['Reading named references section', new Uint8Array(0)],
    ['Reading named references section', noise(20)],
    ['Reading named references section', zstd('0:a\0').subarray(0, -1)],
    ['Reading named references section', concat([zstd('0:a\0'), bytes('00')])],
    ['Reading named references section', zstd(bytes('303a ff 00'))],
    ['Reading named references section', zstd(bytes('303a eda080 00'))],
    ['Trailing junk in named references section', zstd('0:a')],
    ['Trailing junk in named references section', zstd('0:a\x000:b')],
    ["Named reference doesn't contain a colon", zstd('0a\0')],
    ["Named reference doesn't contain a colon", zstd('\0')],
    ['Named reference contains a non-integer index', zstd(':a\0')],
    ['Named reference contains a non-integer index', zstd('+:a\0')],
    ['Named reference contains a non-integer index', zstd('-1:a\0')],
    ['Named reference contains a non-integer index', zstd(' 1:a\0')],
    ['Named reference contains a non-integer index', zstd('0x1:a\0')],
    ['Named reference contains a non-integer index', zstd('1e0:a\0')],
    ['Named reference contains a non-integer index', zstd(`${2n ** 64n}:a\0`)],
    ['Named reference contains a non-integer index', zstd(`${'9'.repeat(10_000)}:a\0`)],
    ['Named reference out of bounds', zstd('1:a\0')],
    ['Named reference out of bounds', zstd(`${2n ** 64n - 1n}:a\0`)],
    ['section of more than 67108864 bytes', zstd(new Uint8Array(2 ** 26 + 1))],
  ])('BAD_NAMED_REFS %s', async (reason, namedRefs) => {
    expect(await opening({ streamRefs: ids(1), namedRefs })).toBe(`BAD_NAMED_REFS Error reading splitstream mappings: ${reason}`);
  });

  it('nothing is checked before the type is', async () => {
    const file = assemble({ streamRefs: noise(33), contentType: 5n });
    await expect(open(file, { contentType: 6n })).rejects.toMatchObject({ code: 'CONTENT_TYPE_MISMATCH' });
  });

  it('any file that was cut off', async () => {
    const file = vectors.find((vector) => vector.id === 'mixed-dedup-sha512')?.file ?? new Uint8Array(0);
    for (let end = 0; end < file.length; end++) {
      expect(await codeOf(open(file.subarray(0, end), { algorithm: 'sha512' }))).toMatch(/^(TRUNCATED_HEADER|INCOMPLETE_READ)$/);
    }
  });
});

describe('refused while reading', () => {
  it.each<[string, Uint8Array, Handmade?]>([
    ['UNEXPECTED_EOF Unexpected EOF in splitstream', bytes('00')],
    ['UNEXPECTED_EOF Unexpected EOF in splitstream', bytes('00 00 00 00 00 00 00')],
    ['UNEXPECTED_EOF Unexpected EOF in splitstream', concat([chunks('a'), bytes('ff')])],
    ['UNEXPECTED_EOF Unexpected EOF in splitstream', chunks('abc').subarray(0, -1)],
    ['UNEXPECTED_EOF Unexpected EOF in splitstream', chunks(-1)],
    ['BAD_REFERENCE Splitstream external reference is out of range', chunks(2)],
    ['BAD_REFERENCE Splitstream external reference is out of range', chunks(2n ** 53n - 1n)],
    ['BAD_REFERENCE Splitstream external reference is too large', chunks(2n ** 53n)],
    ['BAD_REFERENCE Splitstream external reference is too large', chunks(2n ** 63n - 1n)],
    ['INLINE_TOO_LARGE Splitstream inline section is too large', chunks(-(2n ** 63n))],
    ['INLINE_TOO_LARGE Splitstream inline section is too large', chunks(-(2n ** 53n))],
    ['STREAM_TOO_LONG Splitstream holds more inline content than its stream size allows', chunks(-(2n ** 41n))],
    ['STREAM_TOO_LONG Splitstream holds more inline content than its stream size allows', chunks('abc', 0, 'def'), { streamSize: 5n }],
  ])('%s', async (error, content, made) => {
    expect(await reading(content, made)).toBe(error);
  });

  it.each<[string, Uint8Array]>([
    ['an empty section', new Uint8Array(0)],
    ['a frame cut off', zstd(chunks('abc')).subarray(0, -1)],
    ['no zstd', noise(40)],
    ['other data behind the frame', concat([zstd(chunks('abc')), bytes('00')])],
  ])('CORRUPT_STREAM: %s', async (_, stream) => {
    expect(await reading(new Uint8Array(0), { stream })).toMatch(
      /^CORRUPT_STREAM Unable to decode zstd-compressed content in splitstream: /,
    );
  });

  it('what comes before the damage is delivered', async () => {
    const stream = await open(assemble({ stream: zstd(chunks('abc', 9)) }));
    const iterator = stream.chunks()[Symbol.asyncIterator]();
    expect(await iterator.next()).toMatchObject({ value: { kind: 'inline', bytes: utf8('abc'), last: true } });
    await expect(iterator.next()).rejects.toMatchObject({ code: 'BAD_REFERENCE' });
  });
});

describe('memory', () => {
  it('a run is delivered in pieces, the last one marked', async () => {
    const run = noise(3_000_000);
    const stream = await open(assemble({ objectRefs: ids(1), stream: zstd(chunks(run, 0, 'x')) }));
    const pieces: { size: number; last: boolean }[] = [];
    const parts: Uint8Array[] = [];
    for await (const chunk of stream.chunks()) {
      if (chunk.kind !== 'inline') continue;
      pieces.push({ size: chunk.bytes.byteLength, last: chunk.last });
      parts.push(chunk.bytes);
    }
    expect(pieces.length).toBeGreaterThan(3);
    expect(pieces.filter(({ last }) => last).map(({ size }) => size)).toEqual([pieces.at(-2)?.size, 1]);
    expect(Math.max(...pieces.map(({ size }) => size))).toBeLessThanOrEqual(2 ** 20);
    expect(same(concat(parts), concat([run, utf8('x')]))).toBe(true);
  });

  it('a run of zeros that a few bytes stand for is stopped where the stream size says', async () => {
    const stream = zstd(concat([chunks(-(2n ** 24n)), new Uint8Array(2 ** 24)]));
    expect(await reading(new Uint8Array(0), { stream, streamSize: 1000n })).toMatch(/^STREAM_TOO_LONG/);
  });
});

describe('sources', () => {
  /** A source that says what was read. */
  class Watched implements ByteSource {
    readonly reads: (readonly [number, number])[] = [];
    readonly #file: Uint8Array;

    constructor(file: Uint8Array) {
      this.#file = file;
    }

    get size(): number {
      return this.#file.byteLength;
    }

    async read(start: number, end: number): Promise<Uint8Array> {
      this.reads.push([start, end]);
      return this.#file.slice(start, end);
    }
  }

  const file = assemble({ objectRefs: ids(1), stream: zstd(chunks(noise(2_000_000), 0)), streamSize: 2_000_100n });

  it('opening reads everything but the content', async () => {
    const source = new Watched(file);
    const stream = await openSplitstream(source, { algorithm: 'sha256', codec });
    expect(stream.objectRefs).toEqual([id(1)]);
    expect(source.reads.length).toBe(4);
    expect(Math.max(...source.reads.map(([, end]) => end))).toBeLessThan(200);
  });

  it('the content is read in pieces', async () => {
    const source = new Watched(file);
    const stream = await openSplitstream(source, { algorithm: 'sha256', codec });
    expect((await chunksOf(stream)).length).toBe(2);
    expect(Math.max(...source.reads.map(([start, end]) => end - start))).toBeLessThanOrEqual(2 ** 18);
    expect(source.reads.length).toBeGreaterThan(6);
  });

  it('errors of the source pass through', async () => {
    const failure = new Error('EIO');
    const failing: ByteSource = {
      size: file.byteLength,
      read: (start, end) => {
        if (start > 200) throw failure;
        return file.subarray(start, end);
      },
    };
    const stream = await openSplitstream(failing, { algorithm: 'sha256', codec });
    await expect(chunksOf(stream)).rejects.toBe(failure);
    await expect(openSplitstream({ ...failing, read: () => Promise.reject(failure) }, { algorithm: 'sha256', codec })).rejects.toBe(
      failure,
    );
  });

  it('one that gives too little is noticed', async () => {
    const short: ByteSource = { size: file.byteLength, read: (start, end) => file.subarray(start, end - 1) };
    expect(await codeOf(openSplitstream(short, { algorithm: 'sha256', codec }))).toBe('INCOMPLETE_READ');
  });

  it('a signal stops the reading', async () => {
    const stream = await open(file);
    const reason = new Error('enough');
    await expect(Array.fromAsync(stream.chunks({ signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
  });
});

describe('readContent', () => {
  const file = assemble({ objectRefs: ids(1), stream: zstd(chunks('a', 0, 'b')), streamSize: 5n });

  it('puts objects in their places', async () => {
    const parts = await Array.fromAsync(readContent(await open(file), () => [utf8('xyz')]));
    expect(Buffer.concat(parts).toString()).toBe('axyzb');
  });

  it('refuses objects where none are expected', async () => {
    const content = Array.fromAsync(readContent(await open(file)));
    await expect(content).rejects.toMatchObject({ code: 'UNEXPECTED_EXTERNAL', message: 'Unexpected external reference in splitstream' });
  });

  it('stops when there is more than the stream size', async () => {
    const content = Array.fromAsync(readContent(await open(file), () => [utf8('wxyz')]));
    await expect(content).rejects.toMatchObject({ code: 'STREAM_TOO_LONG' });
  });
});

describe('arbitrary input', () => {
  const { file, algorithm } = vectors.find((vector) => vector.id === 'ref-config-pinned') ?? { file: noise(9), algorithm: 'sha256' };

  it('damaged files give a value or a typed error', async () => {
    const damage = fc.array(fc.tuple(fc.nat({ max: file.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const damaged = file.slice();
        for (const [at, value] of changes) damaged[at] = value;
        const result = open(damaged, { algorithm }).then((stream) => chunksOf(stream));
        expect(await codeOf(result)).toMatch(/^[A-Z_]+$/);
      }),
      { numRuns: 300 },
    );
  });

  it('arbitrary stream sections give a value or a typed error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (content) => {
        const made = assemble({ objectRefs: ids(1, 2), stream: zstd(content), streamSize: 1000n });
        expect(await codeOf(open(made).then((stream) => chunksOf(stream)))).toMatch(/^[A-Z_]+$/);
      }),
      { numRuns: 200 },
    );
  });
});
