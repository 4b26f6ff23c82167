import { splitPath } from '@cfskit/fs-tree';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { pathShape } from '../src/path-shape.ts';

const component = fc.constantFrom('', '.', '..', 'a', '.b', 'name', '.wh.x', 'n'.repeat(300));

it('is that of the components', () => {
  fc.assert(
    fc.property(fc.array(component, { maxLength: 12 }), (names) => {
      const path = names.join('/');
      const components = splitPath(path);
      expect(pathShape(path)).toEqual({ depth: components.length, longest: Math.max(0, ...components.map(({ length }) => length)) });
    }),
  );
});
