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

/** Layers with markers, links and symbolic links anywhere; some make sense. */
export const randomLayers: fc.Arbitrary<readonly (readonly CaseEntry[])[]> = fc.array(
  fc.array(
    fc.oneof(
      { weight: 5, arbitrary: file },
      { weight: 4, arbitrary: directory },
      { weight: 2, arbitrary: symlink },
      { weight: 2, arbitrary: hardLink },
      { weight: 3, arbitrary: whiteout },
      { weight: 1, arbitrary: opaque },
      { weight: 1, arbitrary: fifo },
    ),
    { minLength: 1, maxLength: 7 },
  ),
  { minLength: 1, maxLength: 4 },
);
