import { blobPath, image, imageConfig, imageIndex, jsonBlob, toBlob, withTempDir, writeLayout, type Blob } from '@cfskit/fixtures';
import { mediaTypes, OciSpecError, parsePlatform, VerifyError } from '@cfskit/oci-spec';
import { assert, asyncProperty, constant, json, oneof, uint8Array, type Arbitrary } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OciDirError, openOciDir, type OciDir } from '../src/index.ts';
import { chain, failure, withLayout } from './layouts.ts';

const AMD64 = parsePlatform('linux/amd64');
const DIGEST = `sha256:${'0'.repeat(64)}`;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function isTyped(error: unknown): boolean {
  return [OciDirError, OciSpecError, VerifyError].some((type) => error instanceof type);
}

/** Runs `work` on a layout whose index is `index`, whatever that is. */
async function withIndex(index: Uint8Array, blobs: readonly Blob[], work: (layout: OciDir) => Promise<void>): Promise<void> {
  await withTempDir(async (directory) => {
    const files = Object.fromEntries(blobs.map(({ bytes, descriptor }) => [blobPath(descriptor.digest), bytes]));
    await writeLayout(directory, { 'oci-layout': text('{"imageLayoutVersion":"1.0.0"}'), 'index.json': index, ...files });
    await work(await openOciDir(directory));
  });
}

function indexOf(...entries: readonly object[]): Uint8Array {
  return text(JSON.stringify({ schemaVersion: 2, manifests: entries }));
}

describe('an index.json', () => {
  const entry = { mediaType: mediaTypes.manifest, digest: DIGEST, size: 2 };
  it.each([
    ['that is empty', ''],
    ['with a byte order mark', `\ufeff${JSON.stringify({ schemaVersion: 2, manifests: [] })}`],
    ['with a key twice', '{"schemaVersion":2,"manifests":[],"manifests":[]}'],
    ['with a key twice, spelled differently', String.raw`{"schemaVersion":2,"manifests":[],"manif\u0065sts":[]}`],
    ['nested too deep', '['.repeat(100_000)],
    ['without manifests', '{"schemaVersion":2}'],
    ['with a negative size', JSON.stringify({ schemaVersion: 2, manifests: [{ ...entry, size: -1 }] })],
    ['with a size that is no integer', JSON.stringify({ schemaVersion: 2, manifests: [{ ...entry, size: 1.5 }] })],
    ['with a size beyond 2^53', '{"schemaVersion":2,"manifests":[{"mediaType":"x","digest":"a:b","size":9007199254740993}]}'],
    ['with a digest that is a path', JSON.stringify({ schemaVersion: 2, manifests: [{ ...entry, digest: 'sha256:../../index.json' }] })],
    ['with a digest in upper case', JSON.stringify({ schemaVersion: 2, manifests: [{ ...entry, digest: `sha256:${'A'.repeat(64)}` }] })],
    ['with a digest that is short', JSON.stringify({ schemaVersion: 2, manifests: [{ ...entry, digest: 'sha256:00' }] })],
    ['with an entry without media type', JSON.stringify({ schemaVersion: 2, manifests: [{ digest: DIGEST, size: 2 }] })],
  ])('is refused %s', async (_, content) => {
    await withIndex(text(content), [], async (layout) => {
      const error = await failure(layout.resolve());
      expect(error).toMatchObject({ name: 'OciDirError', code: 'INVALID_INDEX', path: 'index.json' });
      expect((error as Error).cause).toBeInstanceOf(OciSpecError);
    });
  });

  it('is refused in another encoding', async () => {
    await withIndex(Uint8Array.of(0x22, 0xff, 0x22), [], async (layout) => {
      expect(await failure(layout.index())).toMatchObject({ code: 'INVALID_INDEX', cause: { code: 'INVALID_UTF8' } });
    });
  });

  it('is refused above 4 MiB, before it is read', async () => {
    await withIndex(new Uint8Array(4 * 1024 * 1024 + 1), [], async (layout) => {
      expect(await failure(layout.index())).toMatchObject({ code: 'TOO_LARGE', path: 'index.json' });
    });
  });
});

describe('a manifest', () => {
  const config = imageConfig({ platform: AMD64 });
  const layer = { mediaType: mediaTypes.layer, digest: DIGEST, size: 10 };
  it.each([
    ['that announces a terabyte', { mediaType: mediaTypes.manifest, digest: DIGEST, size: 2 ** 40 }, []],
    ['that is an HTML page', toBlob(text('<html>'), mediaTypes.manifest).descriptor, [toBlob(text('<html>'), mediaTypes.manifest)]],
    ['that is not there', { mediaType: mediaTypes.manifest, digest: DIGEST, size: 10 }, []],
    ['of an algorithm that cannot be checked', { mediaType: mediaTypes.manifest, digest: 'md5:abc', size: 10 }, []],
  ])('is refused %s', async (_, entry, blobs) => {
    await withIndex(indexOf(entry), blobs, async (layout) => {
      for (const work of [() => layout.resolve({ platform: AMD64 }), () => layout.platforms(), () => layout.referrersOf(DIGEST)]) {
        expect(isTyped(await failure(work()))).toBe(true);
      }
    });
  });

  it('may have ten thousand layers', async () => {
    const body = {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: config.descriptor,
      layers: Array.from({ length: 10_000 }, () => layer),
    };
    const manifest = jsonBlob(body, mediaTypes.manifest);
    await withIndex(indexOf(manifest.descriptor), [manifest, config], async (layout) => {
      expect((await layout.resolve({ platform: AMD64 })).raw.byteLength).toBe(manifest.bytes.byteLength);
    });
  });

  it('with a wrong digest is refused with both digests, and nothing is chosen', async () => {
    const packaged = image({ platform: AMD64 });
    const { digest } = packaged.descriptor;
    await withLayout(
      [{ image: packaged, platform: AMD64 }],
      async (layout) => {
        const error = await failure(layout.resolve({ platform: AMD64 }));
        expect(error).toMatchObject({ code: 'DIGEST_MISMATCH', expected: digest });
        expect(chain(error)).toContain(digest);
      },
      { change: (files) => ({ ...files, [blobPath(digest)]: packaged.bytes.map((byte, i) => (i === 3 ? byte ^ 1 : byte)) }) },
    );
  });
});

describe('many references to few blobs', () => {
  const foreign = image({ platform: parsePlatform('linux/s390x') });

  it('are not followed each time: a thousand entries on each of four levels', async () => {
    const blobs = [...foreign.blobs];
    let nest = foreign;
    for (let level = 1; level <= 4; level++) {
      const entry = { ...nest, blobs: [] };
      nest = imageIndex(Array.from({ length: 1000 }, () => ({ image: entry })));
      blobs.push(nest);
    }
    await withIndex(indexOf(nest.descriptor), blobs, async (layout) => {
      expect(await failure(layout.resolve({ platform: AMD64 }))).toMatchObject({ code: 'NO_MATCH' });
      expect(await layout.platforms()).toHaveLength(1000);
    });
  });
});

describe('anything else', () => {
  const packaged = image({ platform: AMD64 });
  const anything: Arbitrary<Uint8Array> = oneof(uint8Array({ maxLength: 200 }), json().map(text), constant(packaged.bytes));

  it('gives a value or a typed error', async () => {
    await withTempDir(async (directory) => {
      let count = 0;
      await assert(
        asyncProperty(anything, anything, async (index, manifest) => {
          const path = `${directory}/${count++}`;
          const blob = toBlob(manifest, mediaTypes.manifest);
          const entries = count % 2 === 0 ? index : indexOf(blob.descriptor);
          await writeLayout(path, { 'index.json': entries, [blobPath(blob.descriptor.digest)]: manifest });
          const layout = await openOciDir(path);
          const resolve = (): Promise<unknown> => layout.resolve({ platform: AMD64 });
          for (const work of [resolve, () => layout.tags(), () => layout.platforms(), () => layout.deltaManifest()]) {
            const error = await failure(work());
            expect(error === undefined || isTyped(error)).toBe(true);
          }
        }),
        { numRuns: 60 },
      );
    });
  });
});
