import {
  image,
  layoutFiles,
  runSkopeo,
  runTool,
  tar,
  tarLayer,
  toolsAbsent,
  withTempDir,
  writeLayout,
  type Packaged,
} from '@cfskit/fixtures';
import { loadImage, openVerified, parsePlatform, type ImageSource } from '@cfskit/oci-spec';
import { spawnSync } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openDirImage, openDirImageWriter, openDockerArchive, openOciArchive, openOciArchiveWriter } from '../src/index.ts';
import { collect } from './layouts.ts';

const AMD64 = parsePlatform('linux/amd64');
const tiny = fileURLToPath(new URL('../../../examples/tiny', import.meta.url));
const layer = tarLayer(tar([{ path: 'a', content: 'alpha' }]));
const packaged = image({ layers: [layer, tarLayer(tar([{ path: 'b', content: 'beta' }])), layer], platform: AMD64 });

/** Reads all of an image, and gives the digest of its manifest and the diff_ids. */
async function check(source: ImageSource): Promise<{ manifest: string; diffIds: readonly (string | undefined)[] }> {
  try {
    const { resolved, layers } = await loadImage(source, { platform: AMD64 });
    for (const { descriptor } of layers) await collect(openVerified(source, descriptor));
    return { manifest: resolved.descriptor.digest, diffIds: layers.map(({ diffId }) => diffId) };
  } finally {
    await source.close?.();
  }
}

const expected = {
  manifest: packaged.descriptor.digest,
  diffIds: [layer.diffId, tarLayer(tar([{ path: 'b', content: 'beta' }])).diffId, layer.diffId],
};

async function withSkopeoLayout(work: (reference: string, directory: string) => Promise<void>): Promise<void> {
  await withTempDir(async (directory) => {
    await writeLayout(`${directory}/layout`, layoutFiles([{ image: packaged, tag: 'v1' }]));
    await work(`oci:${directory}/layout:v1`, directory);
  });
}

async function putAll(writer: { putBlob: (...args: [Packaged['descriptor'], Uint8Array[]]) => Promise<void> }): Promise<void> {
  for (const { descriptor, bytes } of packaged.blobs.slice(1)) await writer.putBlob(descriptor, [bytes]);
}

describe.skipIf(toolsAbsent('skopeo'))('skopeo', () => {
  it('writes archives that are read: oci-archive, with a name of slashes and colons', async () => {
    await withSkopeoLayout(async (reference, directory) => {
      runSkopeo('copy', reference, `oci-archive:${directory}/a.tar:reg.io/team/app:v1`);
      expect(await check(await openOciArchive(`${directory}/a.tar`, { tag: 'reg.io/team/app:v1', strict: true }))).toEqual(expected);
      runTool('gzip', '-k', `${directory}/a.tar`);
      expect(await check(await openOciArchive(`${directory}/a.tar.gz`))).toEqual(expected);
    });
  });

  it('writes archives that are read: oci-archive with an index', async () => {
    await withTempDir(async (directory) => {
      runSkopeo('copy', '--all', `oci:${tiny}:latest`, `oci-archive:${directory}/a.tar`);
      const archive = await openOciArchive(`${directory}/a.tar`, { strict: true });
      expect((await archive.platforms()).length).toBe(2);
      await check(archive);
    });
  });

  it('writes archives that are read: docker-archive', async () => {
    await withSkopeoLayout(async (reference, directory) => {
      runSkopeo('copy', '--additional-tag', 'team/app:v2', reference, `docker-archive:${directory}/a.tar:reg.io/team/app:v1`);
      for (const tag of ['reg.io/team/app:v1', 'docker.io/team/app:v2', '@0']) {
        expect((await check(await openDockerArchive(`${directory}/a.tar`, { tag }))).diffIds).toEqual(expected.diffIds);
      }
    });
  });

  it.each([
    ['an image', ['copy']],
    ['with docker manifests', ['copy', '--format', 'v2s2']],
  ])('writes directories that are read: %s', async (_, args) => {
    await withSkopeoLayout(async (reference, directory) => {
      runSkopeo(...args, reference, `dir:${directory}/out`);
      expect((await check(await openDirImage(`${directory}/out`, { strict: true }))).diffIds).toEqual(expected.diffIds);
    });
  });

  it('writes directories that are read: an index', async () => {
    await withTempDir(async (directory) => {
      runSkopeo('copy', '--all', `oci:${tiny}:latest`, `dir:${directory}/out`);
      expect((await check(await openDirImage(`${directory}/out`, { strict: true }))).diffIds.length).toBe(3);
    });
  });

  it('reads what is written: oci-archive', async () => {
    await withTempDir(async (directory) => {
      const writer = await openOciArchiveWriter(`${directory}/a.tar`);
      await putAll(writer);
      await writer.putManifest(packaged.bytes, { tag: 'v1' });
      await writer.finish();
      const seen = JSON.parse(runSkopeo('inspect', `oci-archive:${directory}/a.tar:v1`)) as { Digest: string };
      expect(seen.Digest).toBe(packaged.descriptor.digest);
      runSkopeo('copy', `oci-archive:${directory}/a.tar:v1`, `dir:${directory}/out`);
      expect(await check(await openDirImage(`${directory}/out`))).toEqual(expected);
    });
  });

  it('reads what is written: dir', async () => {
    await withTempDir(async (directory) => {
      const writer = await openDirImageWriter(`${directory}/out`);
      await putAll(writer);
      await writer.putManifest(packaged.bytes);
      await writer.finish();
      runSkopeo('copy', `dir:${directory}/out`, `oci-archive:${directory}/a.tar`);
      expect(await check(await openOciArchive(`${directory}/a.tar`))).toEqual(expected);
      const first = await readdir(`${directory}/out`);
      runSkopeo('copy', `oci-archive:${directory}/a.tar`, `dir:${directory}/again`);
      expect((await readdir(`${directory}/again`)).toSorted()).toEqual(first.toSorted());
    });
  });
});

describe.skipIf(toolsAbsent('umoci'))('umoci', () => {
  it('reads the layout in an archive that is written, once tar has unpacked it', async () => {
    await withTempDir(async (directory) => {
      const writer = await openOciArchiveWriter(`${directory}/a.tar`);
      await putAll(writer);
      await writer.putManifest(packaged.bytes, { tag: 'v1', platform: AMD64 });
      await writer.finish();
      runTool('mkdir', `${directory}/layout`);
      runTool('tar', '-C', `${directory}/layout`, '-xf', `${directory}/a.tar`);
      expect(runTool('umoci', 'ls', '--layout', `${directory}/layout`).trim()).toBe('v1');
      runTool('umoci', 'stat', '--image', `${directory}/layout:v1`);
    });
  });

  it('makes layouts that are read, once GNU tar has packed them in any of its formats', async () => {
    await withTempDir(async (directory) => {
      runTool('umoci', 'init', '--layout', `${directory}/layout`);
      runTool('umoci', 'new', '--image', `${directory}/layout:v1`);
      for (const format of ['gnu', 'pax', 'ustar', 'oldgnu']) {
        runTool('tar', '-C', `${directory}/layout`, `--format=${format}`, '-cf', `${directory}/${format}.tar`, '.');
        const archive = await openOciArchive(`${directory}/${format}.tar`, { tag: 'v1', strict: true });
        expect((await check(archive)).diffIds).toEqual([]);
      }
    });
  });
});

// It wants to be root, and is no part of the tools that CI has.
const BUILDAH = 'buildah';
describe.skipIf(process.getuid?.() !== 0 || spawnSync(BUILDAH, ['--version']).error !== undefined)('buildah', () => {
  it.each(['oci-archive', 'docker-archive'])('reads what is written, and writes archives that are read: %s', async (transport) => {
    await withTempDir(async (directory) => {
      const name = 'reg.io/team/app:v1'; // buildah makes a name of its own from the path where there is none
      const writer = await openOciArchiveWriter(`${directory}/a.tar`);
      await putAll(writer);
      await writer.putManifest(packaged.bytes, { tag: name });
      await writer.finish();
      await writeFile(`${directory}/policy.json`, '{"default":[{"type":"insecureAcceptAnything"}]}');
      const buildah = (command: string, ...args: readonly string[]): string => {
        const store = ['--root', `${directory}/root`, '--runroot', `${directory}/run`, '--storage-driver', 'vfs'];
        return runTool(BUILDAH, ...store, command, '--quiet', '--signature-policy', `${directory}/policy.json`, ...args).trim();
      };
      const id = buildah('pull', `oci-archive:${directory}/a.tar:${name}`);
      buildah('push', id, `${transport}:${directory}/b.tar:${name}`);
      const open = transport === 'oci-archive' ? openOciArchive : openDockerArchive;
      expect((await check(await open(`${directory}/b.tar`, { tag: name }))).diffIds).toEqual(expected.diffIds);
    });
  });
});
