import { image, tar, tarLayer, withTempDir } from '@cfskit/fixtures';
import { loadImage, openVerified, parsePlatform } from '@cfskit/oci-spec';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openOciDir, openOciLayoutWriter } from '../src/index.ts';
import { collect } from './layouts.ts';

const AMD64 = parsePlatform('linux/amd64');
const tiny = fileURLToPath(new URL('../../../examples/tiny', import.meta.url));

/** Locally a tool may be absent; in CI that is a failure. */
function absent(tool: string): boolean {
  return process.env['CI'] === undefined && spawnSync(tool, ['--version']).error !== undefined;
}

function run(tool: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8' });
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

describe.skipIf(absent('skopeo'))('skopeo', () => {
  it('writes layouts that are read: entries without a platform', async () => {
    await withTempDir(async (directory) => {
      for (const tag of ['a', 'b']) {
        run(
          'skopeo',
          '--insecure-policy',
          '--override-arch',
          'amd64',
          '--override-os',
          'linux',
          'copy',
          `oci:${tiny}:latest`,
          `oci:${directory}/copy:${tag}`,
        );
      }
      const layout = await openOciDir(`${directory}/copy`, { strict: true, tag: 'b' });
      const { resolved, layers } = await loadImage(layout, { platform: AMD64 });
      expect(resolved.descriptor.platform).toBeUndefined();
      expect(resolved.platform).toEqual(AMD64);
      for (const { descriptor } of layers) await collect(openVerified(layout, descriptor));
    });
  });

  it('reads what is written', async () => {
    await withTempDir(async (directory) => {
      const packaged = image({ layers: [tarLayer(tar([{ path: 'a', content: 'alpha' }]))], platform: AMD64 });
      const writer = await openOciLayoutWriter(`${directory}/layout`);
      for (const { bytes, descriptor } of packaged.blobs.slice(1)) await writer.putBlob(descriptor, [bytes]);
      await writer.putManifest(packaged.bytes, { tag: 'v1', platform: AMD64 });
      const seen = JSON.parse(run('skopeo', '--override-arch', 'amd64', 'inspect', `oci:${directory}/layout:v1`)) as { Digest: string };
      expect(seen.Digest).toBe(packaged.descriptor.digest);
      run('skopeo', '--insecure-policy', '--override-arch', 'amd64', 'copy', `oci:${directory}/layout:v1`, `dir:${directory}/out`);
    });
  });
});

describe.skipIf(absent('umoci'))('umoci', () => {
  it('reads what is written', async () => {
    await withTempDir(async (directory) => {
      const packaged = image({ platform: AMD64 });
      const writer = await openOciLayoutWriter(`${directory}/layout`);
      for (const { bytes, descriptor } of packaged.blobs.slice(1)) await writer.putBlob(descriptor, [bytes]);
      await writer.putManifest(packaged.bytes, { tag: 'v1', platform: AMD64 });
      expect(run('umoci', 'ls', '--layout', `${directory}/layout`).trim()).toBe('v1');
      run('umoci', 'stat', '--image', `${directory}/layout:v1`);
    });
  });
});
