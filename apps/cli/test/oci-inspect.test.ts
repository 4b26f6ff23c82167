import { digestOf } from '@cfskit/oci-spec';
import { expect, it } from 'vitest';
import { document, failure, json, ok, run } from './harness.ts';
import { sampleArtifact, storedSample } from './stored-fixture.ts';

const stored = storedSample({ artifact: true });
const { digest } = stored.sample.image.descriptor;

it('prints JSON in both modes, the documents as texts', async () => {
  const artifact = sampleArtifact(stored.sample.image).descriptor.digest;
  const result = await json('oci-inspect', ['inspect', '--repo', stored.repo, 'demo']);
  expect(result).toEqual({
    manifest: new TextDecoder().decode(stored.sample.image.bytes),
    config: expect.stringContaining('"rootfs"'),
    referrers: [artifact],
    composefs_erofs: expect.stringMatching(/^[0-9a-f]{128}$/),
    composefs_boot_erofs: null,
    resolved: 'tag',
    manifest_digest: digest,
  });
  const text = await ok(['oci', 'inspect', '--repo', stored.repo, 'demo']);
  expect(text.startsWith('{\n  "manifest": ')).toBe(true);
  expect(document('oci-inspect', text)).toEqual(result);
});

it('prints the stored bytes with --manifest and --config', async () => {
  const manifest = await run(['inspect', '--repo', stored.repo, 'demo', '--manifest']);
  expect(manifest.stdout.endsWith('\n')).toBe(true);
  expect(digestOf(manifest.bytes.subarray(0, -1))).toBe(digest);
  const config = await run(['inspect', '--repo', stored.repo, 'demo', '--config']);
  expect(digestOf(config.bytes.subarray(0, -1))).toBe((JSON.parse(manifest.stdout) as { config: { digest: string } }).config.digest);
});

it('gives objects with --parsed', async () => {
  expect(await json('oci-inspect-parsed', ['inspect', '--parsed', '--repo', stored.repo, 'demo'])).toMatchObject({
    manifest: { schemaVersion: 2 },
    config: { architecture: 'amd64' },
  });
  expect(await json('oci-inspect-parsed', ['inspect', '--parsed', '--repo', stored.repo, 'note'])).toMatchObject({ config: {} });
});

it('takes digests in every form and says what they were', async () => {
  const { manifest } = (await json('oci-inspect-parsed', ['inspect', '--parsed', '--repo', stored.repo, 'demo'])) as {
    manifest: { config: { digest: string } };
  };
  const config = manifest.config.digest;
  const names: readonly (readonly [string, string])[] = [
    [digest, 'manifest'],
    [`@${digest}`, 'manifest'],
    [digest.slice(7, 19), 'manifest'],
    [`@${digest.slice(0, 20)}`, 'manifest'],
    [config, 'config'],
    [`@${config.slice(7, 20)}`, 'config'],
  ];
  for (const [name, resolved] of names) {
    expect(await json('oci-inspect', ['inspect', '--repo', stored.repo, name])).toMatchObject({ resolved, manifest_digest: digest });
  }
});

it('suggests near names', async () => {
  const { code, error } = await failure(['inspect', '--repo', stored.repo, 'dema']);
  expect(code).toBe(1);
  expect(error).toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('OCI reference not found: dema'),
    detail: { candidates: ['demo'] },
  });
});

it.each([
  [['inspect', 'a', '--manifest', '--config'], 'exclude each other'],
  [['inspect', 'a', '--manifest', '--json'], 'exclude each other'],
  [['inspect', '@nothing'], 'REF: '],
  [['inspect'], 'missing REF'],
])('%j is wrong usage', async (argv, message) => {
  const ended = await run(argv);
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toContain(message);
});
