import { expect, it } from 'vitest';
import { failure, json, ok, run } from './harness.ts';
import { sampleArtifact, storedSample } from './stored-fixture.ts';

const stored = storedSample({ artifact: true });
const { digest } = stored.sample.image.descriptor;

it('tags by digest and by tag', async () => {
  expect(await ok(['oci', 'tag', '--repo', stored.repo, digest, 'reg.example/app:1'])).toBe(`Tagged ${digest} as reg.example/app:1\n`);
  expect(await json('oci-tag', ['tag', '--repo', stored.repo, 'reg.example/app:1', 'two'])).toEqual({
    manifest_digest: digest,
    name: 'two',
  });
  expect(await ok(['inspect', '--repo', stored.repo, 'two', '--manifest'])).toContain('schemaVersion');
});

it('moves a tag, unless --no-clobber', async () => {
  const other = sampleArtifact(stored.sample.image).descriptor.digest;
  await ok(['tag', '--repo', stored.repo, digest, 'moving']);
  expect(await ok(['tag', '--repo', stored.repo, 'note', 'moving'])).toBe(`Tagged ${other} as moving\n`);
  const { code, error } = await failure(['tag', '--no-clobber', '--repo', stored.repo, digest, 'moving']);
  expect({ code, errorCode: error.code }).toEqual({ code: 1, errorCode: 'NAME_EXISTS' });
  expect(await json('oci-inspect', ['inspect', '--repo', stored.repo, 'moving'])).toMatchObject({ manifest_digest: other });
});

it('needs a manifest that is there', async () => {
  const { code, error } = await failure(['tag', '--repo', stored.repo, `sha256:${'0'.repeat(64)}`, 'x']);
  expect({ code, errorCode: error.code }).toEqual({ code: 1, errorCode: 'NOT_FOUND' });
});

it.each([
  [['tag', 'demo'], 'missing NAME'],
  [['tag', 'demo', '@x'], 'NAME: '],
  [['tag', 'demo', ''], 'NAME: '],
  [['tag', 'demo', `sha256:${'0'.repeat(64)}`], 'NAME: '],
  [['tag', 'demo', 'x'.repeat(300)], 'NAME: '],
])('%j is wrong usage', async (argv, message) => {
  const ended = await run([...argv, '--repo', stored.repo]);
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toContain(message);
});
