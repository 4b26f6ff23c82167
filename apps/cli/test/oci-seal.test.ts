import { image, imageConfig, layoutFiles, writeLayout } from '@cfskit/fixtures';
import { beforeAll, expect, it } from 'vitest';
import { document, failure, json, ok, run, scratch } from './harness.ts';
import { sampleImage, storedSample } from './stored-fixture.ts';

const path = scratch();
const stored = storedSample();
const { digest } = stored.sample.image.descriptor;
let repo = '';
beforeAll(() => void ({ repo } = stored));

interface Sealed {
  readonly manifest_digest: string;
  readonly digests: readonly { readonly key: string; readonly digest: string }[];
}

const seal = async (...argv: string[]): Promise<Sealed> =>
  (await json('oci-seal', ['oci', 'seal', '--repo', repo, 'demo', ...argv])) as Sealed;
const verify = (reference: string): Promise<unknown> => json('oci-seal-verify', ['oci', 'seal', '--repo', repo, '--verify', reference]);

it('prints the new manifest, the image, and how many digests are stated', async () => {
  const id = (await ok(['oci', 'compute-id', '--repo', repo, 'demo'])).trim();
  const text = await ok(['seal', '--repo', repo, 'demo', '--tag', 'demo:sealed']);
  expect(text).toMatch(new RegExp(`^manifest sha256:[0-9a-f]{64}\nimage {4}${id}\nsealed {3}2 digests\n$`));
  expect(await json('oci-inspect', ['inspect', '--repo', repo, 'demo'])).toMatchObject({ manifest_digest: digest });
  expect(await ok(['ls', '--repo', repo, 'demo:sealed'])).toBe(await ok(['ls', '--repo', repo, 'demo']));
});

it('states several formats and algorithms, which verify confirms', async () => {
  const result = await seal('--tag=several', '--erofs-version=1', '--erofs-version', '2', '--algorithm=sha256', '--algorithm=sha512');
  expect(result).toMatchObject({ source_manifest_digest: digest, mode: 'annotations' });
  expect(result.digests.map(({ key }) => key)).toEqual([
    'composefs.config.fsverity-sha256-12',
    'composefs.config.fsverity-sha512-12',
    'composefs.merged.erofs.v1.fsverity-sha256-12',
    'composefs.merged.erofs.v2.fsverity-sha256-12',
    'composefs.merged.erofs.v1.fsverity-sha512-12',
    'composefs.merged.erofs.v2.fsverity-sha512-12',
  ]);
  const report = (await verify('several')) as { digests: readonly { status: string }[] };
  expect(report).toMatchObject({ ok: true, manifest_digest: result.manifest_digest });
  expect(report.digests.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 'ok'));
});

it('takes a global option in front of the command for the same', async () => {
  const { digests } = (await json('oci-seal', ['--erofs-version=2', '--repo', repo, 'oci', 'seal', 'demo', '--tag=front'])) as Sealed;
  expect(digests.map(({ key }) => key)).toContain('composefs.merged.erofs.v2.fsverity-sha512-12');
});

it('seals with a label, and with an artifact, which needs no tag', async () => {
  expect(await seal('--mode=label', '--tag=labelled')).toMatchObject({
    mode: 'label',
    digests: [{ key: 'containers.composefs.fsverity' }],
  });
  expect(await verify('labelled')).toMatchObject({ ok: true, digests: [{ place: 'config', detail: 'format 1, allowlist-only' }] });
  const { manifest_digest: artifact } = await seal('--mode=artifact');
  expect(await json('oci-inspect', ['inspect', '--repo', repo, 'demo'])).toMatchObject({ referrers: [artifact] });
  expect(await verify('demo')).toMatchObject({ ok: true, digests: [{ place: artifact }, { place: artifact }, { place: artifact }] });
  expect(await ok(['oci', 'fsck', '--repo', repo])).toMatch(/oci images: (\d+)\/\1 ok\n$/);
});

it('exits 1 when what is stated is not true, with a table', async () => {
  const { layers } = sampleImage();
  const diffIds = layers.map(({ diffId }) => diffId);
  const extra = { annotations: { 'composefs.merged.erofs.v1.fsverity-sha512-12': '0'.repeat(128), 'composefs.\nnew': 'x' } };
  const lying = image({ layers, config: imageConfig({ diffIds }), extra });
  await writeLayout(path('lying'), layoutFiles([{ image: lying, tag: 'v1', platform: { architecture: 'amd64', os: 'linux' } }]));
  await ok(['pull', '--repo', repo, `oci:${path('lying')}:v1`, 'lying', '-q', '--platform=linux/amd64']);
  const text = await run(['oci', 'seal', '--verify', '--repo', repo, 'lying']);
  expect(text.code).toBe(1);
  const lines = text.stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(3);
  expect(lines.at(1)).toMatch(/^mismatch +manifest +composefs\.merged\.erofs\.v1\.fsverity-sha512-12 +0{128} +[0-9a-f]{128}$/);
  expect(lines.at(2)).toMatch(/^unknown +manifest +composefs\.\\x0anew +x +this name is not known$/);
  expect(text.stderr).toContain('1 of 2 digests that are stated about');
  const machine = await run(['oci', 'seal', '--verify', '--repo', repo, 'lying', '--json']);
  expect(machine.code).toBe(1);
  expect(document('oci-seal-verify', machine.stdout)).toMatchObject({
    ok: false,
    digests: [{ status: 'mismatch' }, { status: 'unknown' }],
  });
});

it('says that an image is not sealed', async () => {
  await ok(['pull', '--repo', repo, `oci:${stored.layout}:v1`, 'plain', '-q', '--platform=linux/amd64']);
  await ok(['init', '--insecure', path('other')]);
  await ok(['pull', '--repo', path('other'), `oci:${stored.layout}:v1`, 'plain', '-q', '--platform=linux/amd64']);
  expect(await failure(['oci', 'seal', '--verify', '--repo', path('other'), 'plain'])).toMatchObject({
    code: 1,
    error: { code: 'NOT_SEALED' },
  });
});

it.each([
  [['oci', 'seal'], 'missing REF'],
  [['oci', 'seal', 'demo'], '--mode annotations needs --tag'],
  [['oci', 'seal', 'demo', '--mode=label'], '--mode label needs --tag'],
  [['oci', 'seal', 'demo', '--mode=paper', '--tag=x'], '--mode'],
  [['oci', 'seal', 'demo', '--tag=@x'], '--tag: '],
  [['oci', 'seal', 'demo', '--tag=x', '--erofs-version=0'], 'format 0'],
  [['oci', 'seal', 'demo', '--tag=x', '--erofs-version=3'], '--erofs-version'],
  [['oci', 'seal', 'demo', '--tag=x', '--mode=label', '--erofs-version=1', '--erofs-version=2'], 'one --erofs-version'],
  [['oci', 'seal', 'demo', '--mode=artifact', '--algorithm=sha256', '--algorithm=sha512'], 'one algorithm'],
  [['oci', 'seal', 'demo', '--verify', '--tag=x'], 'exclude each other'],
])('%j is wrong usage', async (argv, message) => {
  const ended = await run(argv, { cwd: path() });
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toContain(message);
});
