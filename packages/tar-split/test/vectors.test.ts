import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import { fsVerityDigest, type Algorithm } from '@cfskit/fs-verity';
import { formatTarEntry } from '@cfskit/fs-tree';
import { describe, expect, it } from 'vitest';
import { reconstruct, TarSplitError } from '../src/index.ts';
import { absolutePath } from '../src/path.ts';
import { parsePax } from '../src/pax.ts';
import { ascii, collect, cut, cutEvery, listAll, splitChunks, splitWhole, storedChunks, text, type Piece } from './support.ts';

interface VectorCase {
  readonly id: string;
  readonly tar_zlib_base64: string;
  readonly tar_size: number;
  readonly diff_id: string;
  readonly chunks: [string, number][];
  readonly objects: Record<'size' | Algorithm, string | number>[];
  readonly inline_bytes: number;
  readonly stream_payload_sha256: string;
  readonly dump: string[];
  readonly dump_sha512?: string[];
  readonly import_error?: string;
  readonly list_error?: string;
}

interface Vectors {
  readonly cases: VectorCase[];
  readonly make_absolute_path: Record<'cases' | 'extra', { input: string; output: string }[]>;
  readonly pax_mtime_nsec: { cases: { pax: string; expected: number }[] };
}

const vectors = JSON.parse(readFileSync(new URL('vectors/tar-cases.json', import.meta.url), 'utf8')) as Vectors;
const cases: [string, VectorCase, Uint8Array][] = vectors.cases.map((c) => [
  c.id,
  c,
  inflateSync(Buffer.from(c.tar_zlib_base64, 'base64')),
]);
const accepted = cases.filter(([, c]) => c.import_error === undefined);
const refused = cases.filter(([, c]) => c.import_error !== undefined);

// The reference reads after an empty content, and so fails here at the end of the stream. We list it completely.
const LISTED_HERE: Readonly<Record<string, string>> = { no_eoa_zero_size_last: '/d 0 40755 1 0 0 0 0.0 - - -' };

function shape(pieces: readonly Piece[]): [string, number][] {
  return pieces.map(({ kind, bytes }) => [kind, bytes.length]);
}

function objectId(algorithm: Algorithm): (bytes: Uint8Array) => string {
  return (bytes) => fsVerityDigest(bytes, algorithm);
}

it('has the 101 cases', () => {
  expect(cases).toHaveLength(101);
  expect(refused).toHaveLength(24);
});

describe.each(accepted)('%s', (id, c, tar) => {
  const { pieces, result } = splitWhole(tar);

  it('is the archive that the vectors describe', () => {
    expect(tar).toHaveLength(c.tar_size);
    expect(`sha256:${createHash('sha256').update(tar).digest('hex')}`).toBe(c.diff_id);
  });

  it('has the same chunks, however it is cut', () => {
    expect(shape(pieces)).toEqual(c.chunks);
    const random = Array.from({ length: 9 }, (_, i) => (c.tar_size * (i * 2 + 1) * 7919) % (c.tar_size + 1));
    for (const chunks of [cutEvery(tar, 1), cutEvery(tar, 511), cut(tar, random), [new Uint8Array(0), tar, new Uint8Array(0)]]) {
      expect(splitChunks(chunks)).toEqual({ pieces, result });
    }
  });

  it('has the same objects and totals', () => {
    const files = pieces.filter(({ kind }) => kind === 'external');
    const objects = files.map(({ bytes }) => ({
      size: bytes.length,
      sha256: fsVerityDigest(bytes, 'sha256'),
      sha512: fsVerityDigest(bytes, 'sha512'),
    }));
    expect(objects).toEqual(c.objects);
    expect(result).toMatchObject({ size: c.tar_size, inlineBytes: c.inline_bytes, files: files.length });
    expect(result.fileBytes).toBe(c.tar_size - c.inline_bytes);
  });

  it('has the same splitstream payload', () => {
    expect(createHash('sha256').update(streamPayload(pieces)).digest('hex')).toBe(c.stream_payload_sha256);
  });

  it.each<[Algorithm, string[]]>([
    ['sha256', c.dump],
    ['sha512', c.dump_sha512 ?? c.dump],
  ])('lists the same lines with %s', async (algorithm, dump) => {
    const { entries, error } = await listAll(storedChunks(pieces, objectId(algorithm)));
    const more = LISTED_HERE[id];
    expect(entries.map(formatTarEntry)).toEqual(more === undefined ? dump : [...dump, more]);
    expect(error instanceof TarSplitError ? error.message : error).toBe(more === undefined ? c.list_error : undefined);
  });

  it('comes back byte for byte', async () => {
    const contents = new Map(pieces.map(({ bytes }) => [fsVerityDigest(bytes, 'sha256'), bytes]));
    const open = async function* (opened: string) {
      yield contents.get(opened)!;
    };
    const chunks = storedChunks(pieces, objectId('sha256'));
    expect(Buffer.compare(await collect(reconstruct(chunks, open, { size: c.tar_size })), tar)).toBe(0);
  });
});

it.each(refused)('%s is refused', (_, c, tar) => {
  for (const chunks of [[tar], cutEvery(tar, 7), cutEvery(tar, 512)]) {
    expect(() => splitChunks(chunks)).toThrow(expect.objectContaining({ name: 'TarSplitError', message: c.import_error }));
  }
});

it.each([...vectors.make_absolute_path.cases, ...vectors.make_absolute_path.extra])('path rule: $input → $output', ({ input, output }) => {
  expect(text(absolutePath(ascii(input)))).toBe(output);
});

it.each(vectors.pax_mtime_nsec.cases)('nanoseconds of $pax', ({ pax, expected }) => {
  expect(parsePax(ascii(pax), 0).nanoseconds).toBe(expected);
});

/** The uncompressed chunk section: 8 bytes before each chunk, minus the length of an inline one or the index of an object. */
function streamPayload(pieces: readonly Piece[]): Buffer {
  const objects: string[] = [];
  return Buffer.concat(
    pieces.flatMap(({ kind, bytes }) => {
      const head = Buffer.alloc(8);
      if (kind === 'inline') {
        head.writeBigInt64LE(BigInt(-bytes.length));
        return [head, bytes];
      }
      const id = fsVerityDigest(bytes, 'sha256');
      if (!objects.includes(id)) objects.push(id);
      head.writeBigInt64LE(BigInt(objects.indexOf(id)));
      return [head];
    }),
  );
}
