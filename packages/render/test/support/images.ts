import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withTempDir } from '@cfskit/fixtures';
import { convert, type ConvertOptions, type RenderImage, type RenderLayer, type RenderResult, type TarSpec } from '../../src/index.ts';
import type { LayerBuilder } from './layer-builder.ts';
import { isRoot } from './programs.ts';
import { readTar, type ReadEntry } from './read-tar.ts';

export const PLAIN_TAR = 'application/vnd.oci.image.layer.v1.tar';

/** A layer in memory; both of its digests are given, and checked. */
export function memoryLayer(bytes: Uint8Array, mediaType: string = PLAIN_TAR, diffId?: string): RenderLayer {
  return {
    name: 'memory',
    mediaType,
    blob: { digest: sha256(bytes), size: bytes.byteLength },
    ...(mediaType === PLAIN_TAR ? { diffId: sha256(bytes) } : diffId !== undefined && { diffId }),
    open: () => pieces(bytes),
  };
}

/** An image of layers in memory, the oldest first. */
export function imageOf(...layers: readonly (LayerBuilder | Uint8Array | RenderLayer)[]): RenderImage {
  return {
    name: 'the test image',
    layers: layers.map((layer) => ('open' in layer ? layer : memoryLayer('build' in layer ? layer.build() : layer))),
  };
}

/** The merged tar of an image, in memory. */
export async function mergedTar(
  image: RenderImage,
  options: ConvertOptions & Pick<TarSpec, 'order'> = {},
): Promise<{ bytes: Buffer; result: RenderResult }> {
  const chunks: Buffer[] = [];
  const to = {
    write: (bytes: readonly Uint8Array[]) => Promise.resolve(void chunks.push(...bytes.map((piece) => Buffer.from(piece)))),
    finish: () => Promise.resolve(),
    abort: () => Promise.resolve(),
  };
  const { order, ...rest } = options;
  const result = await convert(image, { kind: 'tar', to, ...(order && { order }) }, rest);
  return { bytes: Buffer.concat(chunks), result };
}

/** The entries of the merged tar of layers, by path. A path that is there twice is an error. */
export async function merge(...layers: readonly (LayerBuilder | Uint8Array | RenderLayer)[]): Promise<ReadonlyMap<string, ReadEntry>> {
  return byPath(readTar((await mergedTar(imageOf(...layers))).bytes));
}

/** The same through a file. */
export async function entriesInFile(path: string): Promise<ReadonlyMap<string, ReadEntry>> {
  return byPath(readTar(await readFile(path)));
}

function byPath(entries: readonly ReadEntry[]): ReadonlyMap<string, ReadEntry> {
  const map = new Map<string, ReadEntry>();
  for (const entry of entries) {
    if (map.has(entry.path)) throw new Error(`${entry.path} is there twice`);
    map.set(entry.path, entry);
  }
  return map;
}

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Runs `work` with a path in an empty directory at which nothing is yet. What it makes may forbid to be removed. */
export function withPath<T>(work: (path: string, directory: string) => Promise<T>): Promise<T> {
  return withTempDir(async (directory) => {
    try {
      return await work(join(directory, 'out'), directory);
    } finally {
      if (!isRoot) spawnSync('chmod', ['-R', 'u+rwx', directory]);
    }
  });
}

/** The error that a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & { readonly code?: string }> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error('accepted');
}

/** Codes of an error and of what caused it, outermost first. */
export function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  for (let next = error; next instanceof Error; next = next.cause) codes.push('code' in next ? String(next.code) : next.message);
  return codes;
}

/** Messages of an error and of what caused it, joined. */
export function messagesOf(error: unknown): string {
  const messages: string[] = [];
  for (let next = error; next instanceof Error; next = next.cause) messages.push(next.message);
  return messages.join(' | ');
}

/** Copies, since chunks belong to whoever reads them. */
async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.byteLength; at += 65_536) yield Uint8Array.from(bytes.subarray(at, at + 65_536));
}
