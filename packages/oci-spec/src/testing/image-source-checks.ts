import type { Descriptor } from '../descriptor.ts';
import { digestOf } from '../digest.ts';
import { readBlob, type ImageSource, type ResolveOptions } from '../image-source.ts';
import { loadImage } from '../load-image.ts';
import { isManifest } from '../media-type.ts';
import { formatPlatform, parsePlatform } from '../platform.ts';
import { LayoutBuilder, type SourceContent } from './layout-builder.ts';

/** One check of a contract: `it(name, run)` in any test framework. `run` rejects with a sentence that says what is wrong. */
export interface ContractCheck {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** Serves the given content through the implementation under test. The check closes the source. */
export type MakeImageSource = (content: SourceContent) => Promise<ImageSource>;

const AMD64 = parsePlatform('linux/amd64');
const ARM64 = parsePlatform('linux/arm64');

/** The contract of {@link ImageSource}, sentence by sentence, to be run against each implementation. */
export function imageSourceChecks(make: MakeImageSource): readonly ContractCheck[] {
  return CHECKS.map(([name, body]) => ({
    name,
    async run() {
      const fixture = buildFixture();
      await withSource(await make(fixture.content), (source) => body(source, fixture, make));
    },
  }));
}

type Check = (source: ImageSource, fixture: Fixture, make: MakeImageSource) => Promise<void>;

const CHECKS: readonly (readonly [name: string, check: Check])[] = [
  ['describes itself in one line', describesItself],
  ['resolves a tag to a checked manifest', resolvesTag],
  ['chooses from a nested index by platform', choosesByPlatform],
  ['refuses an unknown tag', refusesUnknownTag],
  ['refuses an unknown platform and lists those there are', refusesUnknownPlatform],
  ['does not resolve to a damaged manifest', refusesDamagedManifest],
  ['gives the bytes of every blob', givesBytes],
  ['gives chunks that are never empty', givesNoEmptyChunks],
  ['gives chunks that belong to the consumer', givesOwnedChunks],
  ['opens a blob lazily and fails on the first chunk', opensLazily],
  ['opens several blobs at once', opensSeveral],
  ['can be left in the middle of a blob and asked again', canBeLeft],
  ['lets a damaged blob be found', letsDamageBeFound],
  ['obeys an aborted signal', obeysSignal],
  ['has every layer in the form it says', hasStoredLayers],
  ['can be closed twice', closesTwice],
];

interface Fixture {
  readonly content: SourceContent;
  readonly single: Descriptor;
  readonly multi: Descriptor;
  readonly arm64: Descriptor;
  readonly large: Descriptor;
}

const LARGE = 3 * 1024 * 1024 + 1;

/** Two tags: `single` on a manifest, `multi` on an index of two platforms. */
function buildFixture(): Fixture {
  const builder = new LayoutBuilder();
  const largeBytes = pattern(LARGE);
  const large = builder.blob(largeBytes, 'application/vnd.oci.image.layer.v1.tar');
  const amd64 = builder.image([{ bytes: largeBytes }, { bytes: new Uint8Array(0) }], AMD64);
  const arm64 = builder.image([{ bytes: pattern(1000) }], { ...ARM64, variant: 'v8' });
  const single = builder.image([{ bytes: pattern(10) }], AMD64);
  const multi = builder.index([
    { ...arm64, platform: { ...ARM64, variant: 'v8' } },
    { ...amd64, platform: AMD64 },
  ]);
  builder.add(single, { tag: 'single', platform: AMD64 }).add(multi, { tag: 'multi' });
  return { content: builder.content(), single, multi, arm64, large };
}

async function describesItself(source: ImageSource): Promise<void> {
  const text = source.describe();
  check(text.length > 0 && !text.includes('\n'), `describe() gave ${JSON.stringify(text)}`);
  await Promise.resolve();
}

async function resolvesTag(source: ImageSource, { single }: Fixture): Promise<void> {
  const { descriptor, raw, indexDigest } = await source.resolve({ tag: 'single', platform: AMD64 });
  equal(descriptor.digest, single.digest, 'digest of the manifest');
  equal(descriptor.size, raw.byteLength, 'size of the manifest');
  equal(digestOf(raw), single.digest, 'digest of the raw bytes');
  equal(indexDigest, undefined, 'index digest of a manifest that was not chosen from an index');
}

async function choosesByPlatform(source: ImageSource, { multi, arm64 }: Fixture): Promise<void> {
  const { descriptor, indexDigest, platform } = await source.resolve({ tag: 'multi', platform: ARM64 });
  equal(descriptor.digest, arm64.digest, 'digest of the manifest');
  check(isManifest(descriptor.mediaType), `resolved to a ${descriptor.mediaType}`);
  equal(indexDigest, multi.digest, 'digest of the index');
  equal(platform && formatPlatform(platform), 'linux/arm64/v8', 'platform');
}

async function refusesUnknownTag(source: ImageSource): Promise<void> {
  await rejection(source.resolve({ tag: 'no-such-tag', platform: AMD64 }), 'resolve() of an unknown tag');
}

async function refusesUnknownPlatform(source: ImageSource): Promise<void> {
  const error = await rejection(
    source.resolve({ tag: 'multi', platform: parsePlatform('linux/s390x') }),
    'resolve() of an unknown platform',
  );
  for (const there of ['linux/amd64', 'linux/arm64']) {
    check(error.message.includes(there), `the message does not name ${there}: ${error.message}`);
  }
}

async function refusesDamagedManifest(_: ImageSource, { content, single }: Fixture, make: MakeImageSource): Promise<void> {
  await withSource(await make(damaged(content, single.digest)), async (source) => {
    await rejection(source.resolve({ tag: 'single', platform: AMD64 }), 'resolve() of a damaged manifest');
  });
}

async function givesBytes(source: ImageSource, { content }: Fixture): Promise<void> {
  for (const tag of ['single', 'multi']) {
    const { manifest, layers } = await loadImage(source, { tag, platform: AMD64 });
    for (const descriptor of [manifest.config, ...layers.map((layer) => layer.descriptor)]) {
      const bytes = await readBlob(source, descriptor, { limit: LARGE });
      equal(digestOf(bytes), digestOf(content.blobs.get(descriptor.digest)!), 'digest of a blob');
    }
  }
}

async function givesNoEmptyChunks(source: ImageSource, { large }: Fixture): Promise<void> {
  for await (const chunk of source.open(large)) check(chunk.byteLength > 0, 'a chunk is empty');
}

async function givesOwnedChunks(source: ImageSource, { large }: Fixture): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source.open(large)) {
    chunks.push(chunk.slice());
    chunk.fill(0); // a source that hands out its own memory spoils it here
  }
  const again = await readBlob(source, large, { limit: LARGE });
  let at = 0;
  for (const chunk of chunks) {
    equal(digestOf(chunk), digestOf(again.subarray(at, at + chunk.byteLength)), `chunk at ${at}`);
    at += chunk.byteLength;
  }
}

async function opensLazily(source: ImageSource): Promise<void> {
  const missing = { mediaType: 'application/octet-stream', digest: digestOf(pattern(77)), size: 77 };
  const stream = source.open(missing);
  await rejection(drain(stream), 'reading a blob that is not there');
}

async function opensSeveral(source: ImageSource, { large }: Fixture): Promise<void> {
  await Promise.all([1, 2, 3].map(() => readBlob(source, large, { limit: LARGE })));
}

async function canBeLeft(source: ImageSource, { large }: Fixture): Promise<void> {
  for await (const chunk of source.open(large)) if (chunk.byteLength > 0) break;
  await readBlob(source, large, { limit: LARGE });
}

async function letsDamageBeFound(_: ImageSource, { content, large }: Fixture, make: MakeImageSource): Promise<void> {
  await withSource(await make(damaged(content, large.digest)), async (source) => {
    await rejection(readBlob(source, large, { limit: LARGE }), 'a checked read of a damaged blob');
  });
}

async function obeysSignal(source: ImageSource, { large }: Fixture): Promise<void> {
  const aborted: ResolveOptions & { signal: AbortSignal } = { tag: 'single', platform: AMD64, signal: AbortSignal.abort() };
  isAbort(await rejection(source.resolve(aborted), 'resolve() with an aborted signal'));
  isAbort(await rejection(drain(source.open(large, aborted)), 'open() with an aborted signal'));
  const controller = new AbortController();
  const reading = (async () => {
    for await (const chunk of source.open(large, { signal: controller.signal })) if (chunk.byteLength > 0) controller.abort();
  })();
  isAbort(await rejection(reading, 'a read that is aborted in the middle'));
}

async function hasStoredLayers(source: ImageSource, { single }: Fixture): Promise<void> {
  if (source.storedLayers === undefined) return;
  const { resolved, layers } = await loadImage(source, { tag: 'single', platform: AMD64 });
  equal(resolved.descriptor.digest, single.digest, 'digest of the manifest');
  const stored = await source.storedLayers(resolved);
  equal(stored.length, layers.length, 'number of layers');
  for (const descriptor of stored) await readBlob(source, descriptor, { limit: LARGE });
}

async function closesTwice(source: ImageSource): Promise<void> {
  await source.close?.();
  await source.close?.();
}

async function withSource(source: ImageSource, work: (source: ImageSource) => Promise<void>): Promise<void> {
  try {
    await work(source);
  } finally {
    await source.close?.();
  }
}

function damaged(content: SourceContent, digest: string): SourceContent {
  const bytes = content.blobs.get(digest)!.slice();
  bytes[bytes.length >> 1]! ^= 1;
  return { index: content.index, blobs: new Map(content.blobs).set(digest, bytes) };
}

function pattern(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = i * 31 + (i >> 8);
  return bytes;
}

async function drain(stream: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const chunk of stream) size += chunk.byteLength;
  return size;
}

async function rejection(work: Promise<unknown>, what: string): Promise<ErrorLike> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  check(isErrorLike(outcome), `${what} does not fail with an error`);
  return outcome as ErrorLike;
}

// Not `instanceof Error`: an AbortError of another realm is none.
type ErrorLike = Pick<Error, 'name' | 'message'>;

function isErrorLike(value: unknown): value is ErrorLike {
  return typeof value === 'object' && value !== null && 'name' in value && 'message' in value && typeof value.message === 'string';
}

function isAbort(error: ErrorLike): void {
  check(error.name === 'AbortError', `an abort gives ${error.name}: ${error.message}`);
}

function equal(found: unknown, wanted: unknown, what: string): void {
  check(found === wanted, `${what}: wanted ${String(wanted)}, found ${String(found)}`);
}

function check(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
