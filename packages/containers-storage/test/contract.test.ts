import { parseIndex, parseManifest, type Descriptor, type ImageSource, type ResolveOptions } from '@cfskit/oci-spec';
import { imageSourceChecks, type SourceContent } from '@cfskit/oci-spec/testing';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openContainersStorage } from '../src/index.ts';
import { scratch } from './scratch.ts';

const next = scratch();
/** A storage has no tags and no indexes to choose from, and what is damaged is not among the images of these checks. */
const NOT_HERE: ReadonlySet<string> = new Set([
  'chooses from a nested index by platform',
  'refuses an unknown tag',
  'refuses an unknown platform and lists those there are',
  'does not resolve to a damaged manifest',
]);
const TAG = 'org.opencontainers.image.ref.name';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

interface Written {
  readonly images: object[];
  readonly layers: object[];
  readonly names: string[];
}

/** Write every manifest as an image, and say what it is called there. */
function writeStore(root: string, { index, blobs }: SourceContent): readonly string[] {
  const written: Written = { images: [], layers: [], names: [] };
  for (const entry of parseIndex(index).manifests) {
    const isIndex = entry.mediaType.includes('index');
    const manifests = isIndex ? parseIndex(blobs.get(entry.digest)!).manifests : [entry];
    for (const manifest of manifests) writeImage(root, manifest, entry.annotations?.[TAG] ?? 'none', blobs, written);
  }
  write(join(root, 'vfs-images/images.json'), JSON.stringify(written.images));
  write(join(root, 'vfs-layers/layers.json'), JSON.stringify(written.layers));
  return written.names;
}

function writeImage(root: string, { digest }: Descriptor, tag: string, blobs: SourceContent['blobs'], written: Written): void {
  const raw = blobs.get(digest)!;
  const { config, layers } = parseManifest(raw);
  const id = sha256(`${tag} ${digest}`);
  write(join(root, `vfs-images/${id}/manifest`), raw);
  write(join(root, `vfs-images/${id}/=${Buffer.from(config.digest).toString('base64')}`), blobs.get(config.digest)!);
  let parent: string | undefined;
  for (const [position, layer] of layers.entries()) {
    const layerId = sha256(`${id} ${position}`);
    const bytes = Buffer.from(blobs.get(layer.digest)!);
    const line = JSON.stringify({ type: 2, payload: bytes.toString('base64'), position: 0 });
    write(join(root, `vfs-layers/${layerId}.tar-split.gz`), gzipSync(`${line}\n`));
    mkdirSync(join(root, `vfs/dir/${layerId}`), { recursive: true });
    written.layers.push({ id: layerId, parent, 'diff-digest': layer.digest, 'diff-size': layer.size });
    parent = layerId;
  }
  const name = `localhost/${tag}:${written.names.length}`;
  written.names.push(name);
  written.images.push({ id, digest, names: [name], layer: parent ?? '' });
}

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

describe('an image of a storage', () => {
  const checks = imageSourceChecks(async (content) => {
    const root = next();
    return await Promise.resolve(gathered(root, writeStore(root, content)));
  });
  it.each(checks.filter(({ name }) => !NOT_HERE.has(name)))('$name', async ({ run }) => expect(await run()).toBeUndefined());
});

/** The checks have one source for everything; here every image is a source of its own. */
function gathered(root: string, names: readonly string[]): ImageSource {
  const sources = names.map((name) => openContainersStorage(`[${root}]${name}`));
  let current = sources.at(0)!;
  return {
    describe: () => current.describe(),
    async resolve({ tag = 'single', ...options }: ResolveOptions = {}) {
      for (const [index, source] of sources.entries()) {
        if (!names.at(index)!.startsWith(`localhost/${tag}:`)) continue;
        current = source;
        const found = await source.resolve(options).catch(unless('NO_MATCH'));
        if (found !== undefined) return found;
      }
      throw new Error(`no ${tag}`);
    },
    async *open(descriptor, options) {
      for (const source of sources) {
        const chunks = source.open(descriptor, options);
        const first = await chunks.next().catch(unless('BLOB_NOT_FOUND'));
        if (first?.done === false) yield first.value;
        if (first !== undefined) return yield* chunks;
      }
      throw new Error(`no blob ${descriptor.digest}`);
    },
    storedLayers: (resolved, options) => current.storedLayers(resolved, options),
    close: async () => void (await Promise.all(sources.map((source) => source.close()))),
  };
}

/** For `catch`: nothing in place of an error with this code. */
function unless(code: string): (error: unknown) => undefined {
  return (error) => {
    if (!(error instanceof Error) || !('code' in error) || error.code !== code) throw error;
  };
}
