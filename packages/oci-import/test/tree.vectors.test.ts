import { fromLatin1 } from '@cfskit/binary';
import { sha256, tar } from '@cfskit/fixtures';
import type { TarEntry } from '@cfskit/fixtures';
import { dumpLines } from '@cfskit/fs-tree';
import type { Directory, XattrMode } from '@cfskit/fs-tree';
import type { Algorithm } from '@cfskit/fs-verity';
import type { ErofsFormat, Repository } from '@cfskit/repository';
import { describe, expect, it } from 'vitest';
import { idOfImage } from '../src/build-images.ts';
import { buildTree } from '../src/build-tree.ts';
import { importLayer, OciImportError } from '../src/index.ts';
import { readVectors, withWorkspace } from './workspace.ts';

interface VectorEntry {
  readonly path: string;
  readonly kind: 'dir' | 'file' | 'ext' | 'sym' | 'link' | 'chr' | 'blk' | 'fifo';
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly sec?: number;
  readonly nsec?: number;
  readonly xattrs?: Readonly<Record<string, string>>;
  readonly data?: string;
  readonly target?: string;
  readonly rdev?: number;
}

type Outcome = string | { readonly error: string };

interface TreeVector {
  readonly name: string;
  readonly layers: readonly (readonly VectorEntry[])[];
  readonly merged: Outcome;
  readonly oci?: Outcome;
  readonly oci_keep_user_xattrs?: Outcome;
  readonly oci_image_ids?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const { cases } = await readVectors<{ cases: readonly TreeVector[] }>('tree.json');

/** In a tar files of more than 64 bytes become objects, whose content the vectors do not have, and no name is empty. */
function isTarrable({ path, kind, data = '' }: VectorEntry): boolean {
  return path !== '' && kind !== 'ext' && data.length <= 64;
}

const usable = cases.filter(({ layers }) => layers.flat().every(isTarrable));

const TYPES = { dir: 'dir', file: 'file', ext: 'file', sym: 'symlink', link: 'hardlink', chr: 'char', blk: 'block', fifo: 'fifo' } as const;

function tarEntry({ path, kind, mode = '0', uid, gid, sec = 0, nsec = 0, xattrs = {}, data, target, rdev = 0 }: VectorEntry): TarEntry {
  return {
    path: fromLatin1(path),
    type: TYPES[kind],
    mode: Number.parseInt(mode, 8) & 0o7777,
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    mtime: sec,
    ...(nsec > 0 && { pax: { mtime: `${sec}.${String(nsec).padStart(9, '0')}` } }),
    ...(data !== undefined && { content: fromLatin1(data) }),
    ...(target !== undefined && { target: fromLatin1(target) }),
    device: [(rdev >>> 8) & 0xfff, (rdev & 0xff) | ((rdev >>> 12) & 0xfff00)],
    xattrs: Object.fromEntries(Object.entries(xattrs).map(([name, value]) => [name, fromLatin1(value)])),
  };
}

async function importLayers(repository: Repository, layers: TreeVector['layers']): Promise<readonly (readonly [string, string])[]> {
  const refs: [string, string][] = [];
  for (const entries of layers) {
    const bytes = tar(entries.map(tarEntry));
    const diffId = sha256(bytes);
    const { verity } = await importLayer(
      repository,
      diffId,
      (async function* () {
        yield bytes;
      })(),
    );
    refs.push([diffId, verity]);
  }
  return refs;
}

async function treeOf(repository: Repository, vector: TreeVector, xattrs: XattrMode): Promise<Outcome> {
  try {
    const root = await buildTree(repository, await importLayers(repository, vector.layers), { xattrs });
    return [...dumpLines(root)].map((line) => `${line}\n`).join('');
  } catch (error) {
    if (!(error instanceof OciImportError)) throw error;
    return { error: error.code };
  }
}

/** The texts of errors are the reference's own. */
function wanted(outcome: Outcome): Outcome {
  return typeof outcome === 'string' ? outcome : { error: 'IMAGE_FAILED' };
}

const FORMATS = [0, 1, 2] as const;

/** Of a tree that no image can hold the vectors have the error in place of the ids. */
function wantedId(ids: NonNullable<TreeVector['oci_image_ids']>, format: ErofsFormat, algorithm: Algorithm): string {
  return ids[`V${format}`]?.[algorithm] ?? 'IMAGE_FAILED';
}

function idOf(root: Directory, format: ErofsFormat, algorithm: Algorithm): string {
  try {
    return idOfImage(root, format, algorithm);
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe.each(['sha256', 'sha512'] as const)('trees of layers that were tars, in a %s repository', (algorithm) => {
  it('are those of the reference, and so are their images', () =>
    withWorkspace(async ({ repository }) => {
      for (const vector of usable) {
        const { name, oci = vector.merged, oci_keep_user_xattrs: keeping = oci, oci_image_ids: ids } = vector;
        expect([name, await treeOf(repository, vector, 'allowlist-only')]).toEqual([name, wanted(oci)]);
        expect([name, await treeOf(repository, vector, 'keep-user-xattrs')]).toEqual([name, wanted(keeping)]);
        if (ids === undefined) continue;
        const root = await buildTree(repository, await importLayers(repository, vector.layers));
        const found = FORMATS.map((format) => idOf(root, format, algorithm));
        expect([name, ...found]).toEqual([name, ...FORMATS.map((format) => wantedId(ids, format, algorithm))]);
      }
    }, algorithm));
});

it('are most of the vectors', () => {
  expect([cases.length, usable.length]).toEqual([96, 91]);
});
