import { image, imageIndex, layoutFiles, runSkopeo, runTool, toolsAbsent, withTempDir, writeLayout } from '@cfskit/fixtures';
import { openVerified, parseManifest } from '@cfskit/oci-spec';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { copyReference, openFetcher, openImageSource } from '../src/index.ts';
import { AMD64, ARM64, bytesOf, layerA, layerC } from './images.ts';

const tiny = fileURLToPath(new URL('../../../examples/tiny', import.meta.url));
const gzipped = image({ layers: [layerA, layerC], platform: AMD64 });
const index = imageIndex([
  { image: gzipped, platform: AMD64 },
  { image: image({ layers: [layerC], platform: ARM64 }), platform: ARM64 },
]);

async function withImages(work: (layout: string, directory: string) => Promise<void>): Promise<void> {
  await withTempDir(async (directory) => {
    await writeLayout(
      `${directory}/layout`,
      layoutFiles([
        { image: gzipped, tag: 'one' },
        { image: index, tag: 'all' },
      ]),
    );
    await work(`oci:${directory}/layout`, directory);
  });
}

/** Digest of the amd64 manifest, after all of its layers have been checked. */
async function checked(reference: string): Promise<string> {
  const source = await openImageSource(reference);
  try {
    const { descriptor, raw } = await source.resolve({ platform: AMD64 });
    for (const layer of parseManifest(raw).layers) await bytesOf(openVerified(source, layer));
    return descriptor.digest;
  } finally {
    await source.close?.();
  }
}

describe.skipIf(toolsAbsent('skopeo'))('skopeo', () => {
  it.each([
    ['oci-archive', (directory: string) => `oci-archive:${directory}/out.tar:reg.io/team/app:v1`],
    ['dir', (directory: string) => `dir:${directory}/out`],
    ['oci', (directory: string) => `oci:${directory}/out:v1`],
  ])('reads a copy of an index, and its own copy of that is the same: %s', async (_, destination) => {
    await withImages(async (layout, directory) => {
      const reference = destination(directory);
      await copyReference(`${layout}:all`, reference);
      expect(runSkopeo('inspect', '--raw', reference)).toBe(new TextDecoder().decode(index.bytes));
      runSkopeo('copy', '--all', reference, `dir:${directory}/theirs`);
      expect(await checked(`dir:${directory}/theirs`)).toBe(gzipped.descriptor.digest);
      expect(await checked(reference)).toBe(gzipped.descriptor.digest);
    });
  });

  it('writes what is copied: every form of the example', async () => {
    await withTempDir(async (directory) => {
      for (const reference of [`oci-archive:${directory}/a.tar:x/y:1`, `dir:${directory}/dir`]) {
        runSkopeo('copy', '--all', `oci:${tiny}:latest`, reference);
        const { descriptor } = await copyReference(reference, `oci:${directory}/back:${reference.slice(0, 3)}`);
        expect(`${descriptor.digest}\n`).toBe(
          runTool('sh', '-c', `skopeo inspect --raw '${reference}' | sha256sum | sed 's/^/sha256:/; s/ .*//'`),
        );
      }
    });
  });
});

describe.skipIf(toolsAbsent('umoci'))('umoci', () => {
  it('opens and unpacks a layout that was fetched', async () => {
    await withImages(async (layout, directory) => {
      const fetcher = await openFetcher();
      const resolved = await fetcher.resolve({ transport: 'oci', name: `${layout.slice(4)}:all` }, { platform: AMD64 });
      await fetcher.fetchToLayout(resolved, `${directory}/fetched`, { tag: 'v1' });
      await fetcher.close();
      expect(runTool('umoci', 'ls', '--layout', `${directory}/fetched`).trim()).toBe('v1');
      runTool('umoci', 'unpack', '--rootless', '--image', `${directory}/fetched:v1`, `${directory}/bundle`);
      expect(runTool('cat', `${directory}/bundle/rootfs/etc/hostname`)).toBe('box\n');
    });
  });
});

describe.skipIf(toolsAbsent('docker-registry', 'skopeo'))('docker-registry', () => {
  it('takes an index and gives it back, to skopeo too; an image of skopeo is fetched from it', async () => {
    await withImages(async (layout, directory) => {
      await withRegistry(directory, async (registry) => {
        const there = `docker://${registry}/team/app:v1`;
        const pushed = await copyReference(`${layout}:all`, there);
        expect(pushed).toMatchObject({ descriptor: index.descriptor, blobsCopied: 4 });
        expect(await copyReference(there, `docker://${registry}/other/app:v1`)).toMatchObject({ blobsMounted: 4, bytesCopied: 0 });
        expect((await copyReference(there, `oci-archive:${directory}/back.tar:v1`)).descriptor).toEqual(index.descriptor);
        expect(await checked(`oci-archive:${directory}/back.tar:v1`)).toBe(gzipped.descriptor.digest);
        runSkopeo('copy', '--all', '--src-tls-verify=false', there, `dir:${directory}/theirs`);
        expect(await checked(`dir:${directory}/theirs`)).toBe(gzipped.descriptor.digest);

        runSkopeo('copy', '--dest-tls-verify=false', `${layout}:one`, `docker://${registry}/skopeo/app:v2`);
        const fetcher = await openFetcher();
        const resolved = await fetcher.resolve(`${registry}/skopeo/app:v2`, { platform: AMD64 });
        const local = await fetcher.download(resolved, `${directory}/layers`);
        expect(resolved.digest).toBe(gzipped.descriptor.digest);
        expect(local.layers.map(({ diffId }) => diffId)).toEqual([layerA.diffId, layerC.diffId]);
        await fetcher.close();
      });
    });
  });
});

/** Runs Debian's registry on a free port of this machine. */
async function withRegistry(directory: string, work: (registry: string) => Promise<void>, program = 'docker-registry'): Promise<void> {
  const registry = `127.0.0.1:${await freePort()}`;
  const config = { version: 0.1, storage: { filesystem: { rootdirectory: `${directory}/registry` } }, http: { addr: registry } };
  await writeFile(`${directory}/config.yml`, JSON.stringify(config));
  const server = spawn(program, ['serve', `${directory}/config.yml`], { stdio: 'ignore' });
  try {
    while (
      !(await fetch(`http://${registry}/v2/`).then(
        ({ ok }) => ok,
        () => false,
      ))
    ) {
      expect(server.exitCode).toBeNull();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await work(registry);
  } finally {
    server.kill();
    await once(server, 'exit');
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
