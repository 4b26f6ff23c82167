import { image, tar, tarLayer } from '@cfskit/fixtures';
import type { Packaged, TarEntry } from '@cfskit/fixtures';
import { dumpLines } from '@cfskit/fs-tree';
import type { ImageSource } from '@cfskit/oci-spec';
import type { Repository } from '@cfskit/repository';
import { CONTENT_TYPE } from '@cfskit/splitstream';
import { buildImageTree, openImage } from '../src/index.ts';
import type { BuildTreeOptions, ImportImageOptions, ImportResult } from '../src/index.ts';
import { pull } from './workspace.ts';

/** A pull with all that belongs to it, EROFS image included. */
export function pullImage(repository: Repository, source: ImageSource, options: ImportImageOptions = {}): Promise<ImportResult> {
  return pull(repository, source, { image: true, ...options });
}

/** 200 bytes, which become an object of their own. */
const LARGE: Uint8Array = new TextEncoder().encode('large '.repeat(34).slice(0, 200));

const BASE: readonly TarEntry[] = [
  { path: 'usr/', type: 'dir', mtime: 1_000_000_000.5 },
  { path: 'usr/tool', content: LARGE, mode: 0o4755, xattrs: { 'user.note': 'hello', 'security.capability': 'cap' } },
  { path: 'usr/link', type: 'hardlink', target: 'usr/tool' },
  { path: 'etc/', type: 'dir' },
  { path: 'etc/name', content: 'small\n' },
];
const TOP: readonly TarEntry[] = [
  { path: 'etc/', type: 'dir' },
  { path: 'etc/.wh.name' },
  { path: 'etc/other', type: 'symlink', target: '../usr/tool' },
];

/** An image of two layers that EROFS images are built from; `extra` members make another manifest of the same config. */
export function container(top: readonly TarEntry[] = TOP, extra: Readonly<Record<string, unknown>> = {}): Packaged {
  return image({ layers: [tarLayer(tar(BASE)), tarLayer(tar(top), 'gzip')], extra });
}

/** The lines of the file system of a stored image. */
export async function dumpOf(repository: Repository, reference: string, options: BuildTreeOptions = {}): Promise<readonly string[]> {
  return [...dumpLines(await buildImageTree(repository, await openImage(repository, reference), options))];
}

/** Writes a config or manifest again under its name, with these references, as another program might have. */
export async function rewrite(
  repository: Repository,
  kind: 'config' | 'manifest',
  digest: string,
  refs: Iterable<readonly [string, string]>,
): Promise<string> {
  const contentId = `oci-${kind}-${digest}`;
  const { objectRefs, streamSize } = await repository.openStream(contentId);
  const writer = repository.createStreamWriter(CONTENT_TYPE[kind]);
  for (const [name, id] of refs) writer.namedRef(name, id);
  writer.external(objectRefs.at(0)!, streamSize);
  return (await repository.writeStream(writer, contentId)).id;
}
