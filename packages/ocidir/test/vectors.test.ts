import { filesFromVector, withTempDir, writeLayout } from '@cfskit/fixtures';
import { loadImage, openVerified, parsePlatform } from '@cfskit/oci-spec';
import { describe, expect, it } from 'vitest';
import { openOciDir } from '../src/index.ts';
import vectors from './vectors/oci-import.json' with { type: 'json' };
import { collect } from './layouts.ts';

describe('whole layouts', () => {
  it.each(vectors.images)('$id', async ({ files_base64, manifest_digest, config_digest, is_container }) => {
    await withTempDir(async (directory) => {
      await writeLayout(directory, filesFromVector(files_base64 as Record<string, string>));
      const layout = await openOciDir(directory, { strict: true });
      const image = await loadImage(layout, { platform: parsePlatform('linux/amd64') });
      expect(image.resolved.descriptor.digest).toBe(manifest_digest);
      expect(image.manifest.config.digest).toBe(config_digest);
      expect(image.config !== undefined).toBe(is_container);
      for (const { descriptor } of image.layers) {
        const { bytes } = await collect(openVerified(layout, descriptor));
        expect(bytes.byteLength).toBe(descriptor.size);
      }
    });
  });

  it('are nine', () => {
    expect(vectors.images).toHaveLength(9);
  });
});
