import type { FsckReport, Repository } from '@cfskit/repository';
import { describe, expect, it } from 'vitest';
import { mergeStats, openImage } from '../src/index.ts';
import type { ImportResult, Threads } from '../src/index.ts';
import { objectFiles, pull, readVectors, withWorkspace } from './workspace.ts';

interface StreamVector {
  readonly content_id: string;
  readonly stream: string;
  readonly object: string;
  readonly named_refs: readonly (readonly [string, string])[];
}

interface ExpectedImage {
  readonly layers: readonly { diff_id: string; content_id: string; content_type: string; stream: string }[];
  readonly config: StreamVector;
  readonly manifest: StreamVector;
  readonly object_count: number;
  readonly stats: { objects_copied: number; bytes_copied: number; bytes_inlined: number; objects_already_present: number };
}

interface ImageVector {
  readonly id: string;
  readonly files_base64: Readonly<Record<string, string>>;
  readonly manifest_digest: string;
  readonly config_digest: string;
  readonly is_container: boolean;
  readonly expected_before_erofs: Readonly<Record<'sha256' | 'sha512', ExpectedImage>>;
}

const vectors = await readVectors<{ images: readonly ImageVector[]; progress: { image: string } }>('oci-import.json');
const cases = vectors.images.flatMap((image) => (['sha256', 'sha512'] as const).map((algorithm) => ({ id: image.id, algorithm, image })));

async function expectStream(repository: Repository, expected: StreamVector): Promise<void> {
  expect(repository.hasStream(expected.content_id)).toBe(expected.stream);
  const stream = await repository.openStream(expected.content_id);
  expect(stream.objectRefs).toEqual([expected.object]);
  const ids = [...new Set(expected.named_refs.map(([, id]) => id))];
  expect(stream.streamRefs).toEqual(ids); // the order in which they were added is part of the bytes
  expect(stream.namedRefs).toEqual(new Map(expected.named_refs));
}

async function expectImage(repository: Repository, result: ImportResult, image: ImageVector, expected: ExpectedImage): Promise<void> {
  expect(result).toMatchObject({
    manifestDigest: image.manifest_digest,
    configDigest: image.config_digest,
    manifestVerity: expected.manifest.stream,
    configVerity: expected.config.stream,
    isContainer: image.is_container,
  });
  const { stats } = expected;
  expect(result.stats).toMatchObject({
    layers: expected.layers.length,
    layersAlreadyPresent: 0,
    objectsCopied: stats.objects_copied,
    bytesCopied: stats.bytes_copied,
    bytesInlined: stats.bytes_inlined,
    objectsAlreadyPresent: stats.objects_already_present,
  });
  for (const layer of expected.layers) {
    expect(repository.hasStream(layer.content_id)).toBe(layer.stream);
    const { contentType } = await repository.openStream(layer.content_id);
    expect(Buffer.from(new BigUint64Array([contentType]).buffer).toString()).toBe(layer.content_type);
  }
  await expectStream(repository, expected.config);
  await expectStream(repository, expected.manifest);
}

async function pullTwice(image: ImageVector, algorithm: 'sha256' | 'sha512', threads: Threads): Promise<FsckReport> {
  return withWorkspace(async ({ repository, vectorLayout }) => {
    const source = await vectorLayout(image.files_base64);
    const expected = image.expected_before_erofs[algorithm];
    const result = await pull(repository, source, { name: 'demo', threads });
    await expectImage(repository, result, image, expected);
    expect(await objectFiles(repository)).toHaveLength(expected.object_count);

    const again = await pull(repository, source, { name: 'demo', threads });
    expect(again).toEqual({ ...result, bytesFetched: 0, stats: again.stats });
    const count = expected.layers.length;
    expect(again.stats).toEqual({ ...mergeStats([]), layers: count, layersAlreadyPresent: count });
    expect(await objectFiles(repository)).toHaveLength(expected.object_count);
    expect((await openImage(repository, 'demo')).manifestDigest).toBe(image.manifest_digest);
    return repository.fsck();
  }, algorithm);
}

describe('images of the vectors, in this thread', () => {
  it.each(cases)('$id in a $algorithm repository', async ({ image, algorithm }) => {
    expect((await pullTwice(image, algorithm, 'never')).errors).toEqual([]);
  });
});

describe('images of the vectors, in worker threads', () => {
  const some = cases.filter(({ id }) => ['same-layer-twice', 'artifact-mixed'].includes(id));
  it.each(some)('$id in a $algorithm repository', async ({ image, algorithm }) => {
    expect((await pullTwice(image, algorithm, 'always')).errors).toEqual([]);
  });
});
