import { image, runSkopeo, runTool, tar, tarLayer, toolsAbsent, withTempDir } from '@cfskit/fixtures';
import { loadImage, openVerified, parsePlatform } from '@cfskit/oci-spec';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openOciDir, openOciLayoutWriter } from '../src/index.ts';
import { collect } from './layouts.ts';

const AMD64 = parsePlatform('linux/amd64');
const tiny = fileURLToPath(new URL('../../../examples/tiny', import.meta.url));

describe.skipIf(toolsAbsent('skopeo'))('skopeo', () => {
  it('writes layouts that are read: entries without a platform', async () => {
    await withTempDir(async (directory) => {
      for (const tag of ['a', 'b']) runSkopeo('copy', `oci:${tiny}:latest`, `oci:${directory}/copy:${tag}`);
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
      const seen = JSON.parse(runSkopeo('inspect', `oci:${directory}/layout:v1`)) as { Digest: string };
      expect(seen.Digest).toBe(packaged.descriptor.digest);
      runSkopeo('copy', `oci:${directory}/layout:v1`, `dir:${directory}/out`);
    });
  });
});

describe.skipIf(toolsAbsent('umoci'))('umoci', () => {
  it('reads what is written', async () => {
    await withTempDir(async (directory) => {
      const packaged = image({ platform: AMD64 });
      const writer = await openOciLayoutWriter(`${directory}/layout`);
      for (const { bytes, descriptor } of packaged.blobs.slice(1)) await writer.putBlob(descriptor, [bytes]);
      await writer.putManifest(packaged.bytes, { tag: 'v1', platform: AMD64 });
      expect(runTool('umoci', 'ls', '--layout', `${directory}/layout`).trim()).toBe('v1');
      runTool('umoci', 'stat', '--image', `${directory}/layout:v1`);
    });
  });
});
