import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { concatBytes } from '@cfskit/binary';
import { splitstreamCodec, zstdVersion } from '@cfskit/compression';
import { FsVerityHasher, fsVerityDigest, type Algorithm } from '@cfskit/fs-verity';
import { CONTENT_TYPE, openSplitstream, SplitstreamWriter } from '@cfskit/splitstream';
import { describe, expect, it } from 'vitest';
import { readEntries, reconstruct, TarSplitter } from '../src/index.ts';
import { collect, cutEvery } from './support.ts';

interface StreamCase {
  readonly id: string;
  readonly tar_zlib_base64: string;
  readonly import_error?: string;
  readonly stream_object: Readonly<Record<Algorithm, string>> & { readonly file_size_sha256: number; readonly file_size_sha512: number };
}

const { cases } = JSON.parse(readFileSync(new URL('vectors/tar-cases.json', import.meta.url), 'utf8')) as { cases: StreamCase[] };
const accepted = cases.filter(({ import_error: error }) => error === undefined).map((c) => [c.id, c] as const);

interface Stored {
  readonly file: Uint8Array;
  readonly objects: ReadonlyMap<string, Uint8Array>;
}

/** As an import does it: the splitter's calls go straight into a splitstream and a hasher. */
async function store(tar: Uint8Array, algorithm: Algorithm): Promise<Stored> {
  const writer = new SplitstreamWriter({ algorithm, contentType: CONTENT_TYPE.layer, codec: splitstreamCodec });
  const objects = new Map<string, Uint8Array>();
  let hasher = new FsVerityHasher(algorithm);
  let data: Uint8Array[] = [];
  const splitter = new TarSplitter({
    inline: (bytes) => writer.inline(bytes),
    fileStart() {
      hasher = new FsVerityHasher(algorithm);
      data = [];
    },
    fileData(bytes) {
      hasher.update(bytes);
      data.push(Uint8Array.from(bytes));
    },
    fileEnd() {
      const content = concatBytes(data);
      const id = hasher.objectId();
      objects.set(id, content);
      writer.external(id, content.length);
    },
  });
  for (const chunk of cutEvery(tar, 1000)) splitter.push(chunk);
  const { size } = splitter.finish();
  const finished = await writer.finish();
  expect(finished.streamSize).toBe(size);
  const file = concatBytes([...finished.chunks()].map((chunk) => Uint8Array.from(chunk)));
  finished.close();
  return { file, objects };
}

describe.each<Algorithm>(['sha256', 'sha512'])('stored with %s', (algorithm) => {
  // The compressed bytes, and so the id of the stream, are those of zstd 1.5.7.
  it.skipIf(zstdVersion() !== '1.5.7').each(accepted)('%s has the id that composefs-rs gives it', async (_, c) => {
    const { file } = await store(inflateSync(Buffer.from(c.tar_zlib_base64, 'base64')), algorithm);
    expect([file.length, fsVerityDigest(file, algorithm)]).toEqual([c.stream_object[`file_size_${algorithm}`], c.stream_object[algorithm]]);
  });

  it.each(accepted.filter(([id]) => ['busybox_like', 'threshold_matrix', 'garbage_after_eoa', 'zero_length_input'].includes(id)))(
    '%s is read back from the stream',
    async (_, c) => {
      const tar = inflateSync(Buffer.from(c.tar_zlib_base64, 'base64'));
      const { file, objects } = await store(tar, algorithm);
      const stream = await openSplitstream(file, { algorithm, codec: splitstreamCodec, contentType: CONTENT_TYPE.layer });
      const open = async function* (id: string) {
        yield objects.get(id)!;
      };
      const rebuilt = await collect(reconstruct(stream.chunks(), open, { size: stream.streamSize }));
      expect(Buffer.compare(rebuilt, tar)).toBe(0);
      for await (const entry of readEntries(stream.chunks())) {
        const external = entry.type === 'file' && entry.content.kind === 'external' ? entry.content : undefined;
        expect(external === undefined || objects.get(external.objectId)?.length === external.size).toBe(true);
      }
    },
  );
});
