import type { CaseEntry } from '@cfskit/flatten-suite';
import * as fc from 'fast-check';

/** Few names, so that entries meet. */
const name = fc.constantFrom('a', 'b', 'c', 'd');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
const step = fc.oneof({ weight: 4, arbitrary: name }, { weight: 1, arbitrary: fc.constant('..') });
const symlinkTarget = fc
  .tuple(fc.boolean(), fc.array(step, { minLength: 1, maxLength: 3 }))
  .map(([isAbsolute, steps]) => (isAbsolute ? '/' : '') + steps.join('/'));
const mode = fc.constantFrom('755', '711', '700');
const owner = fc.constantFrom(0, 5);

const kind = <K extends CaseEntry['kind']>(value: K): fc.Arbitrary<K> => fc.constant(value);

const file: fc.Arbitrary<CaseEntry> = fc.record({
  path,
  kind: kind('file'),
  mode: fc.constant('644'),
  data: fc.constantFrom('1', '2', '3'),
  uid: owner,
});
const directory: fc.Arbitrary<CaseEntry> = fc.record({ path, kind: kind('dir'), mode, uid: owner });
const symlink: fc.Arbitrary<CaseEntry> = fc.record({ path, kind: kind('sym'), mode: fc.constant('777'), target: symlinkTarget });
const hardLink: fc.Arbitrary<CaseEntry> = fc.record({ path, kind: kind('link'), mode: fc.constant('644'), target: path });
const fifo: fc.Arbitrary<CaseEntry> = fc.record({ path, kind: kind('fifo'), mode: fc.constant('600') });
const whiteout = path.map((hidden): CaseEntry => ({
  path: hidden.replace(/[^/]*$/, (last) => `.wh.${last}`),
  kind: 'file',
  mode: '644',
  data: '',
}));
const opaque = path.map((inside): CaseEntry => ({ path: `${inside}/.wh..wh..opq`, kind: 'file', mode: '644', data: '' }));

/** An entry, and a number to choose a target by. */
interface Draft {
  readonly entry: CaseEntry;
  readonly pick: number;
}

const entry = fc.oneof(
  { weight: 5, arbitrary: file },
  { weight: 4, arbitrary: directory },
  { weight: 2, arbitrary: symlink },
  { weight: 2, arbitrary: hardLink },
  { weight: 3, arbitrary: whiteout },
  { weight: 1, arbitrary: opaque },
  { weight: 1, arbitrary: fifo },
);
const drafts = fc.array(fc.array(fc.record({ entry, pick: fc.nat(1000) }), { minLength: 1, maxLength: 7 }), { minLength: 1, maxLength: 4 });

/** Layers with markers, links and symbolic links anywhere. In three of four images links have targets and files no children, as far as one can see. */
export const randomLayers: fc.Arbitrary<readonly (readonly CaseEntry[])[]> = fc
  .tuple(fc.nat(3), drafts)
  .map(([rule, layers]) => (rule === 0 ? layers.map((layer) => layer.map((draft) => draft.entry)) : mended(layers)));

function mended(layers: readonly (readonly Draft[])[]): readonly (readonly CaseEntry[])[] {
  const kinds = new Map<string, CaseEntry['kind']>();
  return layers.map((layer) =>
    layer.map((draft) => {
      const made = mendedEntry(draft, kinds);
      remember(made, kinds);
      return made;
    }),
  );
}

function mendedEntry({ entry: drafted, pick }: Draft, kinds: ReadonlyMap<string, CaseEntry['kind']>): CaseEntry {
  if (isMarker(drafted)) return drafted;
  const made = { ...drafted, path: notBelowFile(drafted.path, kinds) };
  if (made.kind !== 'link') return made;
  const targets = [...kinds.keys()].filter((target) => kinds.get(target) !== 'dir' && !isBelow(target, made.path) && target !== made.path);
  return targets.length === 0
    ? { path: made.path, kind: 'file', mode: '644', data: '4' }
    : { ...made, target: targets.at(pick % targets.length) ?? '' };
}

function isMarker({ path: marker }: CaseEntry): boolean {
  return marker.slice(marker.lastIndexOf('/') + 1).startsWith('.wh.');
}

function isBelow(inner: string, outer: string): boolean {
  return inner.startsWith(`${outer}/`);
}

/** The path, or that of the file on the way: the entry then replaces it. */
function notBelowFile(wanted: string, kinds: ReadonlyMap<string, CaseEntry['kind']>): string {
  const names = wanted.split('/');
  for (let count = 1; count < names.length; count++) {
    const above = names.slice(0, count).join('/');
    const known = kinds.get(above);
    if (known !== undefined && known !== 'dir' && known !== 'sym') return above;
  }
  return wanted;
}

function remember(made: CaseEntry, kinds: Map<string, CaseEntry['kind']>): void {
  const { path: place, kind: known } = made;
  const hidden = place.replace(/\.wh\.(?:\.wh\.\.opq)?/, '').replace(/\/$/, '');
  if (known !== 'dir') for (const other of kinds.keys()) if (isBelow(other, hidden)) kinds.delete(other);
  if (!isMarker(made)) kinds.set(place, known);
  else if (!place.endsWith('.opq')) kinds.delete(hidden);
}
