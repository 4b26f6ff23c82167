import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { document, failure, json, ok, run, scratch } from './harness.ts';
import { storedSample, storeSample } from './stored-fixture.ts';

const path = scratch();
const stored = storedSample({ artifact: true });

it.each([[['oci', 'images']], [['oci', 'ls']], [['ls']]])('%j is a table', async (name) => {
  const short = stored.sample.image.descriptor.digest.slice(7, 19);
  const lines = (await ok([...name, '--repo', stored.repo])).split('\n');
  expect(lines[0]).toBe('NAME  DIGEST        ARCH      LAYERS  REFS');
  expect(lines[1]).toBe(`demo  ${short}  amd64     2       1`);
  expect(lines[2]).toMatch(/^note {2}[0-9a-f]{12} {2}artifact {2}1 {7}0$/);
});

it('says everything in JSON', async () => {
  expect(await json('oci-images', ['oci', 'images', '--repo', stored.repo])).toEqual({
    images: [
      {
        name: 'demo',
        manifest_digest: stored.sample.image.descriptor.digest,
        is_container: true,
        architecture: 'amd64',
        os: 'linux',
        created: null,
        layer_count: 2,
        referrer_count: 1,
      },
      expect.objectContaining({ name: 'note', is_container: false, architecture: '', os: '', created: null, layer_count: 1 }),
    ],
  });
});

it('filters, and shows whole digests', async () => {
  const { digest } = stored.sample.image.descriptor;
  expect(await ok(['ls', '--repo', stored.repo, '--filter', 'em', '--no-trunc'])).toContain(`\ndemo  ${digest.slice(7)}  amd64`);
  expect(await ok(['ls', '--repo', stored.repo, '--filter=em', '--digests'])).toContain(`\ndemo  ${digest}  amd64`);
  expect(await ok(['ls', '--repo', stored.repo, '--filter=em'])).not.toContain('note');
  expect(await ok(['ls', '--repo', stored.repo, '--filter=nothing like it'])).toBe('No images found\n');
});

it('lists the others when an image cannot be read, says which, and fails', async () => {
  const damaged = await storeSample(path());
  await ok(['pull', '--repo', damaged.repo, `oci:${damaged.layout}:v1`, 'other', '-q', '--platform', 'linux/amd64']);
  await symlink(`../../oci-manifest-sha256:${'0'.repeat(64)}`, join(damaged.repo, 'streams/refs/oci/lost'));
  const all = await run(['ls', '--repo', damaged.repo, '-q']);
  expect(all).toMatchObject({ code: 1, stdout: expect.stringMatching(/^NAME .*\ndemo .*\nother .*\n$/) as string });
  expect(all.stderr).toMatch(/^cfskit: cannot read image lost: /);
  const { code, error, stdout } = await failure(['ls', '--repo', damaged.repo]);
  expect({ code, errorCode: error.code, unreadable: error.detail['unreadable'] }).toEqual({
    code: 1,
    errorCode: 'PROBLEMS_FOUND',
    unreadable: ['lost'],
  });
  expect(document('oci-images', stdout)).toMatchObject({ images: [{ name: 'demo' }, { name: 'other' }] });
  expect(await run(['ls', '--repo', damaged.repo, '--filter', 'lost'])).toMatchObject({
    code: 1,
    stdout: 'NAME  DIGEST  ARCH  LAYERS  REFS\n',
  });
  expect(await ok(['ls', '--repo', damaged.repo, '--filter', 'demo'])).toContain('demo');
});

it('takes no argument', async () => {
  expect(await run(['oci', 'ls', '--repo', stored.repo, 'demo'])).toMatchObject({ code: 2, stdout: '' });
});

it('prints a tag with control characters harmlessly', async () => {
  await ok(['tag', '--repo', stored.repo, 'demo', 'evil\u001B[2J\nname']);
  expect(await ok(['ls', '--repo', stored.repo])).toContain('evil\\x1b[2J\\x0aname');
  await ok(['untag', '--repo', stored.repo, 'evil\u001B[2J\nname']);
});
