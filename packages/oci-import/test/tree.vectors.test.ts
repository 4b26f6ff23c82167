import { sha256 } from '@cfskit/fixtures';
import { caseTar } from '@cfskit/flatten-suite';
import type { CaseEntry } from '@cfskit/flatten-suite';
import { dumpLines } from '@cfskit/fs-tree';
import type { Directory, XattrMode } from '@cfskit/fs-tree';
import type { Algorithm } from '@cfskit/fs-verity';
import type { ErofsFormat, Repository } from '@cfskit/repository';
import { describe, expect, it } from 'vitest';
import { idOfImage } from '../src/build-images.ts';
import { buildTree } from '../src/build-tree.ts';
import { importLayer, OciImportError } from '../src/index.ts';
import { readVectors, withWorkspace } from './workspace.ts';

/** Some stand for files of which the vectors have only the object. */
type VectorEntry = CaseEntry | { readonly path: string; readonly kind: 'ext' };

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
function isTarrable(entry: VectorEntry): entry is CaseEntry {
  return entry.path !== '' && entry.kind !== 'ext' && (entry.data ?? '').length <= 64;
}

const usable = cases.flatMap(({ layers, ...rest }) => {
  const tarrable = layers.map((entries) => entries.filter(isTarrable));
  return tarrable.flat().length === layers.flat().length ? [{ ...rest, layers: tarrable }] : [];
});

type UsableVector = (typeof usable)[number];

async function importLayers(repository: Repository, layers: UsableVector['layers']): Promise<readonly (readonly [string, string])[]> {
  const refs: [string, string][] = [];
  for (const entries of layers) {
    const bytes = caseTar(entries);
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

async function treeOf(repository: Repository, vector: UsableVector, xattrs: XattrMode): Promise<Outcome> {
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
