import {
  artifact,
  blobPath,
  flipBit,
  image,
  imageConfig,
  imageIndex,
  readLayoutFiles,
  tar,
  tarLayer,
  toBlob,
  withTempDir,
  type Packaged,
} from '@cfskit/fixtures';
import { mediaTypes, parsePlatform, REF_NAME_ANNOTATION } from '@cfskit/oci-spec';
import { array, assert, asyncProperty, constantFrom, option, tuple, uint8Array } from 'fast-check';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openOciDir, openOciLayoutWriter, type OciLayoutWriter } from '../src/index.ts';
import { chain, failure } from './layouts.ts';

const AMD64 = parsePlatform('linux/amd64');
const layer = tarLayer(tar([{ path: 'etc/hostname', content: 'box\n' }]), 'none');
const first = image({ layers: [layer], platform: AMD64 });
const second = image({ platform: AMD64 });
const content = toBlob(new TextEncoder().encode('content'), 'application/octet-stream');

async function withWriter(work: (writer: OciLayoutWriter, directory: string) => Promise<void>): Promise<void> {
  await withTempDir(async (parent) => {
    const directory = join(parent, 'deep/layout');
    await work(await openOciLayoutWriter(directory), directory);
  });
}

/** Everything below the manifest, so that it can be put. */
async function putBelow(writer: OciLayoutWriter, { blobs, descriptor: self }: Packaged): Promise<void> {
  for (const { bytes, descriptor } of blobs) if (descriptor.digest !== self.digest) await writer.putBlob(descriptor, [bytes]);
}

async function names(directory: string): Promise<readonly string[]> {
  return Object.keys(await readLayoutFiles(directory));
}

function parsed(bytes: Uint8Array | undefined): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}

describe('openOciLayoutWriter', () => {
  it('makes a layout and keeps what is there', async () => {
    await withWriter(async (_, directory) => {
      expect(await readLayoutFiles(directory)).toEqual({ 'oci-layout': new TextEncoder().encode('{"imageLayoutVersion":"1.0.0"}') });
      await writeFile(join(directory, 'oci-layout'), '{ "imageLayoutVersion": "1.0.0" }\n');
      await openOciLayoutWriter(directory);
      expect((await readLayoutFiles(directory))['oci-layout']?.byteLength).toBe(34);
      await openOciDir(directory, { strict: true });
    });
  });

  it('is refused where something else is in its place, or above it', async () => {
    await withTempDir(async (directory) => {
      await writeFile(join(directory, 'file'), '');
      await symlink('nowhere', join(directory, 'dangling'));
      for (const name of ['file', 'file/layout', 'dangling']) {
        const path = join(directory, name);
        expect(await failure(openOciLayoutWriter(path))).toMatchObject({ name: 'OciDirError', code: 'EXISTS', path });
      }
    });
  });

  it('does not write through a link out of the directory', async () => {
    await withTempDir(async (directory) => {
      await mkdir(join(directory, 'layout'));
      await mkdir(join(directory, 'outside'));
      await symlink('../outside', join(directory, 'layout/blobs'));
      expect(await failure(openOciLayoutWriter(join(directory, 'layout')))).toMatchObject({ code: 'OUTSIDE_LAYOUT' });
      expect(await readdir(join(directory, 'outside'))).toEqual([]);
    });
  });
});

describe('putBlob', () => {
  it.each(['sha256', 'sha512'] as const)('writes what %s names', async (algorithm) => {
    await withWriter(async (writer, directory) => {
      const { bytes, descriptor } = toBlob(content.bytes, 'a/b', algorithm);
      expect(await writer.hasBlob(descriptor)).toBe(false);
      await writer.putBlob(descriptor, [bytes.subarray(0, 3), bytes.subarray(3)]);
      expect(await writer.hasBlob(descriptor)).toBe(true);
      expect((await readLayoutFiles(directory))[blobPath(descriptor.digest)]).toEqual(bytes);
    });
  });

  it.each([
    ['another byte', [flipBit(content.bytes, 0)], 'DIGEST_MISMATCH'],
    ['a byte too many', [content.bytes, Uint8Array.of(0)], 'SIZE_MISMATCH'],
    ['a byte too few', [content.bytes.subarray(1)], 'SIZE_MISMATCH'],
  ])('leaves nothing behind after %s', async (_, chunks, code) => {
    await withWriter(async (writer, directory) => {
      expect(await failure(writer.putBlob(content.descriptor, chunks))).toMatchObject({ code });
      expect(await names(directory)).toEqual(['oci-layout']);
    });
  });

  it('leaves nothing behind when the source fails or the signal is aborted', async () => {
    await withWriter(async (writer, directory) => {
      const reason = new Error('lost');
      async function* failing(): AsyncGenerator<Uint8Array, void> {
        yield await Promise.resolve(content.bytes.subarray(0, 2));
        throw reason;
      }
      expect(await failure(writer.putBlob(content.descriptor, failing()))).toBe(reason);
      expect(await failure(writer.addBlob(failing(), 'a/b'))).toBe(reason);
      const signal = AbortSignal.abort();
      expect(await failure(writer.putBlob(content.descriptor, [content.bytes], { signal }))).toMatchObject({ name: 'AbortError' });
      expect(await names(directory)).toEqual(['oci-layout']);
    });
  });

  it('does not have a foreign layer that nobody has fetched', async () => {
    await withTempDir(async (directory) => {
      const writer = await openOciLayoutWriter(directory);
      const { descriptor } = toBlob(new TextEncoder().encode('elsewhere'), mediaTypes.foreignLayer);
      expect(await writer.hasBlob({ ...descriptor, urls: ['https://example.com/layer'] })).toBe(false);
    });
  });

  it('replaces a damaged blob, which hasBlob does not take for one', async () => {
    await withWriter(async (writer, directory) => {
      const { bytes, descriptor } = content;
      for (const damage of [flipBit(bytes, 2), bytes.subarray(1)]) {
        await writeFile(join(directory, blobPath(descriptor.digest)), damage);
        expect(await writer.hasBlob(descriptor)).toBe(false);
        await writer.putBlob(descriptor, [bytes]);
        expect(await writer.hasBlob(descriptor)).toBe(true);
      }
    });
  });

  it('keeps the old blob when the new one is wrong', async () => {
    await withWriter(async (writer) => {
      await writer.putBlob(content.descriptor, [content.bytes]);
      await failure(writer.putBlob(content.descriptor, [flipBit(content.bytes, 0)]));
      expect(await writer.hasBlob(content.descriptor)).toBe(true);
    });
  });

  it('takes only digests that it can check', async () => {
    await withWriter(async (writer) => {
      for (const digest of ['md5:abc', 'sha256:../../x']) {
        expect(await failure(writer.putBlob({ ...content.descriptor, digest }, []))).toMatchObject({ code: 'UNSUPPORTED_DIGEST' });
      }
    });
  });
});

describe('addBlob', () => {
  it.each(['sha256', 'sha512'] as const)('finds out digest (%s) and size', async (algorithm) => {
    await withWriter(async (writer) => {
      await assert(
        asyncProperty(array(uint8Array()), async (chunks) => {
          const blob = toBlob(Uint8Array.from(Buffer.concat(chunks)), 'a/b', algorithm);
          expect(await writer.addBlob(chunks, 'a/b', { algorithm })).toEqual(blob.descriptor);
          expect(await writer.hasBlob(blob.descriptor)).toBe(true);
        }),
        { numRuns: 20 },
      );
    });
  });
});

describe('putManifest', () => {
  it('enters a manifest without what it names when asked', async () => {
    await withWriter(async (writer, directory) => {
      await writer.putManifest(first.bytes, { tag: 'v1', withoutBlobs: true });
      expect(await (await openOciDir(directory)).tags()).toEqual(['v1']);
    });
  });

  it('writes the bytes as they are and enters them by tag', async () => {
    await withWriter(async (writer, directory) => {
      await putBelow(writer, first);
      const entry = await writer.putManifest(first.bytes, { tag: 'v1', platform: AMD64, annotations: { note: 'x' } });
      expect(entry).toEqual({ ...first.descriptor, platform: AMD64, annotations: { note: 'x', [REF_NAME_ANNOTATION]: 'v1' } });
      const layout = await openOciDir(directory, { strict: true });
      expect(await layout.resolve({ tag: 'v1', platform: AMD64 })).toMatchObject({ descriptor: entry, raw: first.bytes });
      expect(new TextDecoder().decode((await layout.index()).raw)).toBe(
        `{"manifests":[{"annotations":{"note":"x","${REF_NAME_ANNOTATION}":"v1"},"digest":"${first.descriptor.digest}","mediaType":"${mediaTypes.manifest}","platform":{"architecture":"amd64","os":"linux"},"size":${first.bytes.byteLength}}],"mediaType":"${mediaTypes.index}","schemaVersion":2}`,
      );
      expect(await names(directory)).toHaveLength(5);
    });
  });

  it('moves a tag to the end and keeps the others', async () => {
    await withWriter(async (writer, directory) => {
      await putBelow(writer, first);
      await putBelow(writer, second);
      for (const [tag, { bytes }] of [
        ['a', first],
        ['b', first],
        ['a', second],
      ] as const)
        await writer.putManifest(bytes, { tag });
      for (let i = 0; i < 2; i++) await writer.putManifest(first.bytes);
      const { manifests } = await (await openOciDir(directory)).index();
      expect(manifests.map(({ digest, annotations }) => [annotations?.[REF_NAME_ANNOTATION], digest])).toEqual([
        ['b', first.descriptor.digest],
        ['a', second.descriptor.digest],
        [undefined, first.descriptor.digest],
      ]);
    });
  });

  it('keeps what it does not know in the index', async () => {
    await withWriter(async (writer, directory) => {
      const odd = { mediaType: 'text/plain', digest: content.descriptor.digest, size: 7, later: [1] };
      await writeFile(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, later: { b: 1, a: 2 }, manifests: [odd] }));
      await putBelow(writer, second);
      await writer.putManifest(second.bytes, { tag: 'x' });
      expect(parsed((await readLayoutFiles(directory))['index.json'])).toMatchObject({ later: { a: 2, b: 1 }, manifests: [odd, {}] });
    });
  });

  it('enters several at once', async () => {
    await withWriter(async (writer, directory) => {
      await putBelow(writer, second);
      const tags = Array.from({ length: 10 }, (_, i) => `t${i}`);
      await Promise.all(tags.map((tag) => writer.putManifest(second.bytes, { tag })));
      expect((await (await openOciDir(directory)).tags()).toSorted()).toEqual(tags);
    });
  });

  it('loses no entry to other writers', async () => {
    await withWriter(async (writer, directory) => {
      const writers = await Promise.all([1, 2, 3].map(() => openOciLayoutWriter(directory)));
      const tags = Array.from({ length: 30 }, (_, i) => `t${i}`);
      await Promise.all(tags.map((tag, i) => (writers[i % 4] ?? writer).putManifest(first.bytes, { tag, withoutBlobs: true })));
      expect((await (await openOciDir(directory)).tags()).toSorted()).toEqual(tags.toSorted());
    });
  });

  it('writes indexes, and what refers to an image, with the type and annotations that the entry needs', async () => {
    await withWriter(async (writer, directory) => {
      const index = imageIndex([{ image: first, platform: AMD64 }]);
      await putBelow(writer, index);
      expect(await writer.putManifest(index.bytes, { tag: 'all' })).toMatchObject({ mediaType: mediaTypes.index });
      const signature = artifact({ artifactType: 'text/signature', subject: first.descriptor, annotations: { by: 'me' } });
      await putBelow(writer, signature);
      expect(await writer.putManifest(signature.bytes)).toMatchObject({ artifactType: 'text/signature', annotations: { by: 'me' } });
      const note = artifact({ artifactType: 'text/note', annotations: { by: 'me' } });
      expect(await writer.putManifest(note.bytes)).toEqual({ ...note.descriptor, artifactType: 'text/note' });
      const layout = await openOciDir(directory);
      expect(await layout.referrersOf(first.descriptor.digest)).toMatchObject([{ artifactType: 'text/signature' }]);
      expect((await layout.resolve({ platform: AMD64 })).indexDigest).toBe(index.descriptor.digest);
    });
  });

  it('gives a referrer without a type that of its config', async () => {
    await withWriter(async (writer) => {
      const referrer = image({ extra: { subject: first.descriptor } });
      await putBelow(writer, referrer);
      expect(await writer.putManifest(referrer.bytes)).toMatchObject({ artifactType: mediaTypes.config });
    });
  });

  it('refuses a manifest whose blobs are not there', async () => {
    await withWriter(async (writer, directory) => {
      expect(await failure(writer.putManifest(first.bytes))).toMatchObject({ code: 'BLOB_NOT_FOUND' });
      await putBelow(writer, first);
      await writeFile(join(directory, blobPath(layer.descriptor.digest)), 'x');
      expect(await failure(writer.putManifest(first.bytes))).toMatchObject({ code: 'BLOB_NOT_FOUND', digest: layer.descriptor.digest });
      expect(await names(directory)).not.toContain('index.json');
    });
  });

  it('does not ask for layers that are elsewhere', async () => {
    await withWriter(async (writer) => {
      const foreign = {
        ...layer,
        descriptor: { ...layer.descriptor, mediaType: mediaTypes.foreignLayer, urls: ['https://example.com/layer'] },
      };
      const config = imageConfig();
      const packaged = image({ config, layers: [foreign] });
      await writer.putBlob(config.descriptor, [config.bytes]);
      expect(await writer.putManifest(packaged.bytes)).toEqual(packaged.descriptor);
    });
  });

  it.each([
    ['no JSON', 'x', { code: 'INVALID_JSON' }],
    ['a config', '{"mediaType":"application/vnd.oci.image.config.v1+json"}', { code: 'UNEXPECTED_MEDIA_TYPE' }],
    ['an object', '{}', { code: 'INVALID_FIELD' }],
    ['an index without entries', '{"manifests":1}', { code: 'INVALID_FIELD' }],
    ['a list', '[]', { code: 'INVALID_FIELD' }],
  ])('refuses what is no manifest: %s', async (_, text, error) => {
    await withWriter(async (writer) => expect(await failure(writer.putManifest(new TextEncoder().encode(text)))).toMatchObject(error));
  });

  it('does not touch an index that it cannot read', async () => {
    await withWriter(async (writer, directory) => {
      await writeFile(join(directory, 'index.json'), '{"schemaVersion":2,"manifests":[],"manifests":[]}');
      await putBelow(writer, second);
      const error = await failure(writer.putManifest(second.bytes));
      expect(error).toMatchObject({ code: 'INVALID_INDEX' });
      expect(chain(error)).toContain('manifests');
      expect((await readLayoutFiles(directory))['index.json']?.byteLength).toBe(49);
      await writeFile(join(directory, 'index.json'), '{"schemaVersion":2,"manifests":[]}');
      await writer.putManifest(second.bytes); // one failure does not stop those behind it
    });
  });

  it('leaves each tag with the manifest it got last', async () => {
    await withWriter(async (writer, directory) => {
      await putBelow(writer, first);
      await putBelow(writer, second);
      const put = tuple(constantFrom(first, second), option(constantFrom('a', 'b', ''), { nil: undefined }));
      await assert(
        asyncProperty(array(put, { minLength: 1, maxLength: 6 }), async (puts) => {
          for (const [{ bytes }, tag] of puts) await writer.putManifest(bytes, tag === undefined ? {} : { tag });
          const layout = await openOciDir(directory);
          const { manifests } = await layout.index();
          for (const [tag, { descriptor }] of new Map(puts.map(([put_, name]) => [name, put_]))) {
            const entries = manifests.filter(({ annotations }) => annotations?.[REF_NAME_ANNOTATION] === tag);
            expect(entries.at(-1)?.digest).toBe(descriptor.digest);
            expect(entries.length).toBeLessThanOrEqual(tag === undefined ? 2 : 1);
          }
        }),
        { numRuns: 15 },
      );
    });
  });
});
