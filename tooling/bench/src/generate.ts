import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack, type Pack } from 'tar-stream';

const MIB = 1024 * 1024;
const DIRECTORIES = 97;
/** Shares of the layers in the bytes of the image: one large layer, as images of operating systems have. */
const LAYER_SHARES = [0.55, 0.25, 0.15, 0.05];
/** How far gzip compresses `material`; the layers must not depend on how far it has come when a file is added. */
const GZIP_RATIO = 1.6;

/** mulberry32: small, seeded, the same on every machine. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** 4 MiB that gzip halves, roughly: runs of words from a small vocabulary between runs of noise. */
function material(next: () => number): Buffer {
  const words = Array.from({ length: 4000 }, () =>
    Buffer.from(Array.from({ length: 3 + Math.floor(next() * 9) }, () => 97 + Math.floor(next() * 26))),
  );
  const out = Buffer.alloc(4 * MIB);
  for (let at = 0; at < out.length;) {
    const noise = next() < 0.1;
    const piece = noise
      ? Buffer.from(Array.from({ length: 24 }, () => Math.floor(next() * 256)))
      : (words[Math.floor(next() * words.length)] as Buffer);
    at += piece.copy(out, at);
    if (!noise && at < out.length) out[at++] = 32;
  }
  return out;
}

/** Sizes as in a distribution's packages: most files are a few KiB, a few are many MiB. */
function fileSize(next: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(next() + 1e-12)) * Math.cos(2 * Math.PI * next());
  return Math.min(Math.floor(Math.exp(8.3 + 1.9 * normal)), 24 * MIB);
}

const MTIME = new Date(1_700_000_000_000);

/** The parents, which an importer need not make up: cfsctl refuses a file without them. */
function directories(tar: Pack, index: number): void {
  const top = `usr/share/layer${index}`;
  const below = Array.from({ length: DIRECTORIES }, (_, number) => `${top}/d${number}`);
  for (const name of ['usr', 'usr/share', top, ...below]) tar.entry({ name, mode: 0o755, mtime: MTIME, type: 'directory' });
}

function entry(tar: Pack, name: string, content: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    tar.entry({ name, size: content.length, mode: 0o644, mtime: MTIME, type: 'file' }, content, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

interface Blob {
  readonly digest: string;
  readonly size: number;
  readonly diffId: string;
}

async function writeLayer(directory: string, index: number, compressedBytes: number): Promise<Blob> {
  const tar = pack({ highWaterMark: MIB });
  const plain = createHash('sha256');
  const packed = createHash('sha256');
  let size = 0;
  const temporary = join(directory, `.layer-${index}`);
  const written = pipeline(
    tar as AsyncIterable<Buffer>,
    watched((chunk) => plain.update(chunk)),
    createGzip({ level: 6, chunkSize: 256 * 1024 }),
    watched((chunk) => {
      packed.update(chunk);
      size += chunk.length;
    }),
    createWriteStream(temporary),
  );
  directories(tar, index);
  await writeFiles(tar, index, compressedBytes * GZIP_RATIO);
  tar.finalize();
  await written;
  const digest = `sha256:${packed.digest('hex')}`;
  await rename(temporary, join(directory, digest.slice(7)));
  return { digest, size, diffId: `sha256:${plain.digest('hex')}` };
}

/** A stage that passes chunks on and shows each to `look`. */
function watched(look: (chunk: Buffer) => void): (chunks: AsyncIterable<Buffer>) => AsyncGenerator<Buffer, void> {
  return async function* (chunks) {
    for await (const chunk of chunks) {
      look(chunk);
      yield chunk;
    }
  };
}

/** Files put together from pieces of the material, `bytes` of tar in all. */
async function writeFiles(tar: Pack, index: number, bytes: number): Promise<void> {
  const next = random(0xc0ffee + index);
  const source = material(next);
  for (let file = 0, left = bytes; left > 0; file++) {
    const length = fileSize(next);
    left -= length + 768; // header and, on average, half a block of padding
    const content = Buffer.alloc(length);
    for (let at = 0; at < length;) {
      const start = Math.floor(next() * (source.length - 65_536));
      at += source.copy(content, at, start, start + Math.min(65_536, length - at));
    }
    await entry(tar, `usr/share/layer${index}/d${file % DIRECTORIES}/file${file}`, content);
  }
}

async function writeJson(directory: string, value: unknown): Promise<{ digest: string; size: number }> {
  const bytes = Buffer.from(JSON.stringify(value));
  const hex = createHash('sha256').update(bytes).digest('hex');
  await writeFile(join(directory, hex), bytes);
  return { digest: `sha256:${hex}`, size: bytes.length };
}

/**
 * An OCI layout with one gzip image of about `megabytes` (compressed), tag `bench`: the same bytes on every run with the same zlib.
 * What is there already is kept.
 */
export async function generateLayout(directory: string, megabytes: number): Promise<string> {
  const layout = join(directory, `generated-${megabytes}`);
  if (await exists(join(layout, 'index.json'))) return layout;
  const blobs = join(layout, 'blobs/sha256');
  await mkdir(blobs, { recursive: true });
  const layers: Blob[] = [];
  for (const [index, share] of LAYER_SHARES.entries()) layers.push(await writeLayer(blobs, index, megabytes * MIB * share));
  const config = await writeJson(blobs, {
    architecture: { x64: 'amd64', ia32: '386' }[process.arch as string] ?? process.arch,
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
  });
  const manifest = await writeJson(blobs, {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: layers.map(({ digest, size }) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size })),
  });
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const annotations = { 'org.opencontainers.image.ref.name': 'bench' };
  const entryOfIndex = { mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifest, annotations };
  await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entryOfIndex] }));
  return layout;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
