import { objectPath } from '@cfskit/fs-verity';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LocalObjectStore, objectStoreModule } from '../src/index.ts';
import type { createObjectStore } from '../src/object-store-thread.ts';
import { newRepository, temporaryDirectory, testData } from './support.ts';

it('another thread can make a store of the same objects', async () => {
  const { objects } = await newRepository();
  const { module, create, options } = structuredClone(objectStoreModule(objects));
  const loaded = (await import(module)) as { createObjectStore: typeof createObjectStore };
  expect(create).toBe('createObjectStore');
  const { id, stored } = loaded[create](options).putSync(testData(5000));
  expect({ stored, here: objects.hasSync(id) }).toEqual({ stored: true, here: true });
});

it('objects can be in any directory, which is made', () => {
  const path = temporaryDirectory();
  const directory = join(path, 'digest-store');
  const store = new LocalObjectStore({ path, directory, algorithm: 'sha256', secure: false });
  const { id } = store.putSync(testData(5000));
  expect(existsSync(join(directory, objectPath(id)))).toBe(true);
  expect(store.pathOf(id)).toBe(join(directory, objectPath(id)));
  expect(store.directory).toBe(directory);
});
