import { beforeAll, expect, it } from 'vitest';
import { failure, json, ok } from './harness.ts';
import { storedSample } from './stored-fixture.ts';

const stored = storedSample();
beforeAll(async () => {
  for (const name of ['a', 'b', 'c/d']) await ok(['tag', '--repo', stored.repo, 'demo', name]);
});

it('removes one or several', async () => {
  expect(await ok(['oci', 'untag', '--repo', stored.repo, 'a'])).toBe('Removed tag a\n');
  expect(await json('oci-untag', ['untag', '--repo', stored.repo, 'b', 'c/d'])).toEqual({ removed: ['b', 'c/d'] });
  expect(await json('oci-images', ['ls', '--repo', stored.repo])).toMatchObject({ images: [{ name: 'demo' }] });
});

it('removes none when one is not there, and suggests near names', async () => {
  const { code, error, stdout } = await failure(['untag', '--repo', stored.repo, 'demo', 'dem']);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(error).toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('Failed to remove tag dem'),
    detail: { candidates: ['demo'] },
  });
  expect(await ok(['ls', '--repo', stored.repo])).toContain('demo');
});
