import { createSplitstreamCodec } from '@cfskit/compression';
import { describe, expect, it } from 'vitest';
import { CONTENT_TYPE, detectGeneration, readContent } from '../src/index.ts';
import { bytes, chunksOf, concat, fileOf, fsVerityDigest, open, same } from './support.ts';
import { accepted, contentOf, contentTypes, legacy, perform, rejected, vectors } from './vector-file.ts';

/** Both writers of frames have the version of zstd that the vectors were made with. */
const codecs = (['zstd-napi', 'node'] as const).map((name) => [name, createSplitstreamCodec(name)] as const);

describe.each(vectors)('$id', (vector) => {
  const { algorithm, contentType, raw } = vector;

  it.each(codecs)('is written by %s, byte for byte', async (_, codec) => {
    const finished = await perform(vector, codec).finish();
    expect(finished).toMatchObject({ size: raw.file_size, streamSize: raw.stream_size });
    const file = await fileOf(finished);
    expect(Buffer.from(file).toString('hex')).toBe(raw.file_hex);
    expect(fsVerityDigest(file, algorithm)).toBe(vector.objectId);
  });

  it.each(['file', 'oldFile'] as const)('is read: %s', async (which) => {
    const stream = await open(vector[which], { algorithm, contentType });
    expect(stream).toMatchObject({ algorithm, contentType, streamSize: raw.stream_size });
    expect(stream.generation).toBe(which === 'file' ? 'current' : 'old-header');
    expect(detectGeneration(vector[which])).toBe(stream.generation);
    expect(stream.objectRefs).toEqual(raw.object_refs);
    expect(stream.streamRefs).toEqual(raw.stream_refs);
    const { objects, content } = contentOf(vector);
    const read = readContent(stream, (id) => [objects.get(id) ?? new Uint8Array(0)]);
    expect(same(concat(await Array.fromAsync(read)), content)).toBe(true);
  });

  it('holds the chunks that the section says', async () => {
    const chunks = await chunksOf(await open(vector.file, { algorithm }));
    const section = chunks.map((chunk) => {
      const head = Buffer.alloc(8);
      head.writeBigInt64LE(BigInt(typeof chunk === 'string' ? raw.object_refs.indexOf(chunk as never) : -chunk.byteLength));
      return typeof chunk === 'string' ? head : Buffer.concat([head, chunk]);
    });
    expect(Buffer.concat(section).toString('hex')).toBe(raw.stream_decompressed_hex);
  });

  it('holds the names that the section says', async () => {
    const { namedRefs } = await open(vector.file, { algorithm });
    const records = [...namedRefs].map(([name, id]) => `${raw.stream_refs.indexOf(id as never)}:${name}\0`);
    expect(Buffer.from(records.join('')).toString('hex')).toBe(raw.named_refs_decompressed_hex);
  });

  it('has another id with the old header, which is as recorded', () => {
    expect(fsVerityDigest(vector.oldFile, algorithm)).toBe(vector.oldObjectId);
  });

  it('is refused by a repository of the other algorithm, and as another type', async () => {
    const other = algorithm === 'sha256' ? 'sha512' : 'sha256';
    await expect(open(vector.file, { algorithm: other })).rejects.toMatchObject({
      code: 'ALGORITHM_MISMATCH',
      message: 'Invalid splitstream fs-verity algorithm type',
    });
    await expect(open(vector.file, { algorithm, contentType: contentType + 1n })).rejects.toMatchObject({
      code: 'CONTENT_TYPE_MISMATCH',
      message: 'Invalid splitstream content type',
    });
  });
});

describe('refused', () => {
  it.each(rejected)('$why', async ({ file, error }) => {
    await expect(open(file)).rejects.toMatchObject({ name: 'SplitstreamError', message: expect.stringContaining(error) });
  });

  it.each(legacy)('$id, by name', async ({ file, algorithm, objectId }) => {
    expect(fsVerityDigest(file, algorithm)).toBe(objectId);
    expect(detectGeneration(file)).toBe('digest-map');
    await expect(open(file, { algorithm })).rejects.toMatchObject({
      code: 'UNSUPPORTED_GENERATION',
      message: expect.stringMatching(/^Invalid splitstream header magic value: .*0\.3\.0/),
    });
  });
});

it.each(accepted)('accepted: $why', async ({ file }) => {
  expect(await chunksOf(await open(file))).toEqual([bytes('68656c6c6f')]);
});

it('knows the content types', () => {
  const known = Object.values(CONTENT_TYPE).map((value) => `0x${value.toString(16).padStart(16, '0')}`);
  expect(known.toSorted()).toEqual(Object.values(contentTypes).toSorted());
});
