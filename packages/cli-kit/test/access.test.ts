import { expect, it } from 'vitest';
import * as images from '../src/images/index.ts';

it('exports these names, which are those of images that load no repository', async () => {
  const access = await import('../src/access.ts');
  expect(Object.keys(access).toSorted()).toEqual([
    'accessOptions',
    'foreignOption',
    'givenCredentials',
    'platformOption',
    'readPassword',
    'readPlatform',
    'readValue',
    'seedOptions',
    'transportOptions',
  ]);
  expect(images).toMatchObject(access);
});
