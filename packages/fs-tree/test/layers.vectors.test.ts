import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { FsTreeError, transformForOci, type MergePolicy, type XattrMode } from '../src/index.ts';
import { dump, layerEntry, mergeLayers, outcome, type VectorEntry } from './support.ts';

type Outcome = string | { readonly error: string | true };

interface TreeCase {
  readonly name: string;
  readonly layers: readonly (readonly VectorEntry[])[];
  readonly merged: Outcome;
  readonly oci?: Outcome;
  readonly oci_keep_user_xattrs?: Outcome;
}

interface MergeCase {
  readonly name: string;
  readonly layers?: readonly (readonly VectorEntry[])[];
  readonly oci: Outcome;
  readonly dropped_links?: readonly string[];
  readonly archive_order: Outcome;
}

function load(file: string): unknown {
  return JSON.parse(readFileSync(new URL(`vectors/${file}`, import.meta.url), 'utf8'));
}

const { cases: tree } = load('tree.json') as { cases: TreeCase[] };
const { cases: merge } = load('merge.json') as { cases: MergeCase[] };
const treeLayers = new Map(tree.map(({ name, layers }) => [name, layers]));

/** Dump, or only that there was an error: its text is the reference's own. */
function shown(result: string | FsTreeError): string {
  return result instanceof FsTreeError ? 'error' : result;
}

function wanted(expected: Outcome): string {
  return typeof expected === 'string' ? expected : 'error';
}

function mergeCase(layers: TreeCase['layers'], policy: MergePolicy, dropped: string[] = []): string | FsTreeError {
  const onDroppedLink = (path: string) => dropped.push(path.slice(1));
  return outcome(() =>
    dump(
      mergeLayers(
        layers.map((layer) => layer.map(layerEntry)),
        { policy, onDroppedLink },
      ),
    ),
  );
}

function transformed(layers: TreeCase['layers'], mode: XattrMode): string | FsTreeError {
  return outcome(() => {
    const root = mergeLayers(
      layers.map((layer) => layer.map(layerEntry)),
      { policy: 'archive-order' },
    );
    transformForOci(root, mode);
    return dump(root);
  });
}

/** merge.json fixes the root and all times, and leaves attributes out. */
function simplified(text: string | FsTreeError): string {
  if (text instanceof FsTreeError) return 'error';
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line, index) => {
      const fields = line.split(' ').slice(0, 11);
      if (index === 0) fields.splice(2, 4, '40755', fields.at(3)!, '0', '0');
      fields[7] = '0.0';
      return `${fields.join(' ')}\n`;
    });
  return lines.join('');
}

it('has all cases', () => {
  expect([tree.length, merge.length]).toEqual([96, 117]);
});

it.each(tree.map((c) => [c.name, c] as const))('%s: merged in archive order', (_, { layers, merged }) => {
  expect(shown(mergeCase(layers, 'archive-order'))).toBe(wanted(merged));
});

it.each(tree.filter(({ oci }) => oci !== undefined).map((c) => [c.name, c] as const))('%s: transformed', (_, c) => {
  expect(shown(transformed(c.layers, 'allowlist-only'))).toBe(wanted(c.oci!));
  expect(shown(transformed(c.layers, 'keep-user-xattrs'))).toBe(wanted(c.oci_keep_user_xattrs ?? c.oci!));
});

it.each(merge.map((c) => [c.name, c] as const))(
  '%s: merged as the image specification says',
  (name, { layers, oci, dropped_links: links = [] }) => {
    const dropped: string[] = [];
    const result = mergeCase(layers ?? treeLayers.get(name)!, 'oci', dropped);
    expect([simplified(result), dropped]).toEqual([wanted(oci), links]);
  },
);

const alsoInArchiveOrder = merge.filter((c) => c.archive_order !== 'tree.json');

it.each(alsoInArchiveOrder.map((c) => [c.name, c] as const))('%s: merged in archive order', (name, c) => {
  const expected = c.archive_order === 'same' ? c.oci : c.archive_order;
  expect(simplified(mergeCase(c.layers ?? treeLayers.get(name)!, 'archive-order'))).toBe(wanted(expected));
});
