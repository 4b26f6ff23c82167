import { startTestRegistry, type TestRegistry } from '@cfskit/registry/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { failure, json, ok, run } from './harness.ts';
import { putImage } from './registry-fixture.ts';
import { sampleImage } from './stored-fixture.ts';

const names = ['v2', 'v10', 'latest', 'v1', 'a'];
let registry: TestRegistry;
beforeAll(async () => {
  registry = await startTestRegistry({ pageSize: 2 });
  for (const name of names) putImage(registry, 'team/app', sampleImage().image, name);
});
afterAll(() => registry.close());

it('lists all pages in the order of the registry', async () => {
  const name = `${registry.registry}/team/app`;
  for (const typed of [name, `docker://${name}`, `registry:${name}`]) {
    expect(await ok(['tags', typed, '--no-creds'])).toBe(names.map((tag) => `${tag}\n`).join(''));
  }
  expect(await json('tags', ['tags', name, '--no-creds'])).toEqual({ name, tags: names });
});

it('says that there is no such name', async () => {
  const { code, error } = await failure(['tags', `${registry.registry}/none`, '--no-creds']);
  expect({ code, error }).toMatchObject({ code: 1, error: { code: 'NAME_UNKNOWN' } });
});

it.each([
  [['tags', 'a:v1'], 'without tag and digest'],
  [['tags', 'oci:layout'], 'without tag and digest'],
  [['tags', 'A'], 'NAME: '],
])('%j is wrong usage', async (argv, message) => {
  const ended = await run(argv);
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toContain(message);
});
