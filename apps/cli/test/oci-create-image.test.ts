import { beforeAll, expect, it } from 'vitest';
import { failure, json, ok, run, scratch } from './harness.ts';
import { storedSample } from './stored-fixture.ts';

const path = scratch();
const stored = storedSample({ artifact: true });
let repo = '';
beforeAll(() => void ({ repo } = stored));

const linked = async (version?: string): Promise<unknown> => {
  const argv = ['inspect', '--repo', repo, 'demo', ...(version === undefined ? [] : ['--erofs-version', version])];
  return ((await json('oci-inspect', argv)) as { composefs_erofs: unknown }).composefs_erofs;
};

interface Created {
  readonly image_id: string;
  readonly images: readonly { readonly format: number; readonly image_id: string }[];
}

it('prints the id that compute-id prints, and that pull linked', async () => {
  const id = await linked();
  expect(await ok(['oci', 'create-image', '--repo', repo, 'demo'])).toBe(`sha512:${id as string}\n`);
  expect(await ok(['oci', 'compute-id', '--repo', repo, 'demo'])).toBe(`${id as string}\n`);
});

it('makes other formats, which inspect shows when asked', async () => {
  const one = await linked();
  const all = (await json('oci-create-image', ['oci', 'create-image', '--repo', repo, 'demo', '--all-formats'])) as Created;
  expect(all.images.map(({ format }) => format)).toEqual([1, 2]);
  expect([all.image_id, all.images.at(0)?.image_id]).toEqual([one, one]);
  expect(await linked('2')).toBe(all.images.at(1)?.image_id);
  const two = (await json('oci-create-image', ['oci', 'create-image', '--repo', repo, 'demo', '--erofs-version=2'])) as Created;
  expect(two.image_id).toBe(all.images.at(1)?.image_id);
  expect([await linked(), await linked('2')]).toEqual([null, two.image_id]);
  await ok(['oci', 'create-image', '--repo', repo, 'demo']);
  expect([await linked(), await linked('2')]).toEqual([one, null]);
});

it('keeps an image under a name', async () => {
  const named = await json('oci-create-image', ['oci', 'create-image', '--repo', repo, 'demo', 'my/image', '--xattrs=keep-user-xattrs']);
  expect(named).toMatchObject({ name: 'my/image' });
  expect(await ok(['images', '--repo', repo, '--no-trunc'])).toContain((named as Created).image_id);
  expect(await ok(['gc', '--repo', repo])).toContain('Pruned symlinks: ');
  expect(await ok(['oci', 'fsck', '--repo', repo])).toContain('oci images: 2/2 ok\n');
});

it('refuses what has no file system, and what is not there', async () => {
  expect(await failure(['oci', 'create-image', '--repo', repo, 'note'])).toMatchObject({ code: 1, error: { code: 'NOT_A_CONTAINER' } });
  expect(await failure(['oci', 'create-image', '--repo', repo, 'nothing'])).toMatchObject({ code: 1, error: { code: 'NOT_FOUND' } });
});

it.each([
  [['oci', 'create-image'], 'missing REF'],
  [['oci', 'create-image', '@x'], 'REF: '],
  [['oci', 'create-image', 'demo', '../x'], 'NAME: '],
  [['oci', 'create-image', 'demo', '--xattrs', 'all'], '--xattrs'],
  [['oci', 'create-image', 'demo', '--all-formats', '--erofs-version', '1'], 'exclude each other'],
  [['oci', 'compute-id', '@x'], 'REF: '],
  [['dump', '@x'], 'REF: '],
])('%j is wrong usage', async (argv, message) => {
  const ended = await run(argv, { cwd: path() });
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toContain(message);
});
