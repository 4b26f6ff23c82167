import { blobPath, imageConfig, jsonBlob, toBlob, withTempDir } from '@cfskit/fixtures';
import { digestOf, mediaTypes } from '@cfskit/oci-spec';
import { startTestRegistry } from '@cfskit/registry/testing';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openFetcher } from '../src/index.ts';
import { AMD64, stock } from './images.ts';

const large = toBlob(
  Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 13 + (i >> 9)) & 0xff),
  mediaTypes.layer,
);
const config = imageConfig({ diffIds: [large.descriptor.digest], platform: AMD64 });
const manifest = jsonBlob(
  { schemaVersion: 2, mediaType: mediaTypes.manifest, config: config.descriptor, layers: [large.descriptor] },
  mediaTypes.manifest,
);

/** The client hands bytes out in chunks of this size: what is in an incomplete one when it is killed has to be fetched again. */
const CHUNK = 256 * 1024;

it.each([300_000, 1_234_567, 2_999_999])(
  'a fetch that is killed after %i bytes goes on where it was, but for one chunk',
  async (length) => {
    const written = length - (length % CHUNK);
    let stalled: ServerResponse | undefined;
    await using registry = await startTestRegistry({
      // The first answer stops in the middle, and nothing more comes.
      intercept(request, response) {
        if (!request.url!.endsWith(large.descriptor.digest) || stalled !== undefined) return false;
        stalled = response;
        response.writeHead(200, { 'content-length': large.bytes.length, 'content-type': 'application/octet-stream' });
        response.write(large.bytes.subarray(0, length));
        return true;
      },
    });
    stock(registry.repository('large'), { ...manifest, blobs: [manifest, config, large] }, '1');
    const name = `${registry.registry}/large:1`;
    await withTempDir(async (directory) => {
      const partial = join(directory, `${blobPath(large.descriptor.digest)}.partial`);
      const script = fileURLToPath(new URL('fetch-child.ts', import.meta.url));
      const child = spawn(process.execPath, ['--conditions=source', script, name, directory], { stdio: 'inherit' });
      while ((await stat(partial).catch(() => undefined))?.size !== written) await new Promise((resolve) => setTimeout(resolve, 10));
      child.kill('SIGKILL');
      await once(child, 'exit');
      const fetcher = await openFetcher();
      const result = await fetcher.fetchToLayout(await fetcher.resolve(name, { platform: AMD64 }), directory);
      await fetcher.close();
      expect(result.bytesPresent).toBeGreaterThanOrEqual(written);
      expect(registry.requests.findLast(({ path }) => path.endsWith(large.descriptor.digest))?.headers.range).toBe(`bytes=${written}-`);
      expect(digestOf(await readFile(join(directory, blobPath(large.descriptor.digest))))).toBe(large.descriptor.digest);
    });
  },
);
