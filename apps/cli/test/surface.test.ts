import { expect, it } from 'vitest';
import * as surface from '../src/index.ts';

it('exports the program and nothing else', () => {
  expect(Object.keys(surface)).toEqual(['cfskit']);
});
