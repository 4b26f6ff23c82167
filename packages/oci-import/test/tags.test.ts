import { image, tar, tarLayer } from '@cfskit/fixtures';
import { symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findTag, listImages, listTags, openImage, tagImage, untagImage } from '../src/index.ts';
import { objectFiles, pull, withWorkspace } from './workspace.ts';
import type { Workspace } from './workspace.ts';

const pulled = image({ layers: [tarLayer(tar([{ path: 'a', content: new Uint8Array(100) }]))] });
const { digest } = pulled.descriptor;
const unknown = `sha256:${'0'.repeat(64)}`;

async function pullDemo({ repository, layout }: Workspace, name = 'demo'): Promise<void> {
  await pull(repository, await layout([{ image: pulled }]), { name });
}

describe('tags', () => {
  it('are free text, listed by the bytes of their names', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      const tags = ['docker://busybox:latest', '100%', 'ä', '\u{1f600}', 'ﬀ', 'name@digest', '%2F'];
      for (const tag of tags) await pullDemo(workspace, tag);
      expect(listTags(repository).map((tag) => tag.name)).toEqual([
        '%2F',
        '100%',
        'docker://busybox:latest',
        'name@digest',
        'ä',
        'ﬀ',
        '\u{1f600}',
      ]);
      for (const tag of tags) expect((await openImage(repository, tag)).manifestDigest).toBe(digest);
    }));

  it('are moved, unless that is refused', () =>
    withWorkspace(async (workspace) => {
      const { repository, layout } = workspace;
      await pullDemo(workspace);
      const other = await pull(repository, await layout([{ image: image() }], 'other'));
      await expect(tagImage(repository, other.manifestDigest, 'demo', { noClobber: true })).rejects.toMatchObject({ code: 'NAME_EXISTS' });
      expect(findTag(repository, 'demo')?.manifestDigest).toBe(digest);
      await tagImage(repository, other.manifestDigest, 'demo');
      expect(findTag(repository, 'demo')?.manifestDigest).toBe(other.manifestDigest);
    }));

  it('need a manifest that is there and a name that can be one', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      await pullDemo(workspace);
      await expect(tagImage(repository, unknown, 'x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(tagImage(repository, 'nonsense', 'x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
      for (const name of ['@x', '', '..', unknown])
        await expect(tagImage(repository, digest, name)).rejects.toMatchObject({ name: 'OciRefError' });
      expect(listTags(repository)).toHaveLength(1);
    }));

  it('when removed hide the image and keep its data until collection', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      await pullDemo(workspace);
      const before = await objectFiles(repository);
      await tagImage(repository, digest, 'second');
      await untagImage(repository, 'demo');
      expect((await repository.gc()).objectsRemoved).toBe(0);
      await untagImage(repository, 'second');
      expect(await listImages(repository)).toEqual([]);
      expect(await objectFiles(repository)).toEqual(before);
      expect((await openImage(repository, digest)).manifestDigest).toBe(digest);
      expect((await repository.gc()).objectsRemoved).toBe(before.length);
    }));

  it('that are not there cannot be removed; near names are offered', () =>
    withWorkspace(async (workspace) => {
      await pullDemo(workspace, 'example:latest');
      await expect(untagImage(workspace.repository, 'exmaple:latest')).rejects.toMatchObject({
        code: 'NOT_FOUND',
        message: expect.stringContaining('Failed to remove tag exmaple:latest'),
        context: { candidates: ['example:latest'] },
      });
    }));
});

describe('the list of images', () => {
  it('says what is stored under each tag', () =>
    withWorkspace(async (workspace) => {
      await pullDemo(workspace);
      expect(await listImages(workspace.repository)).toEqual([
        {
          name: 'demo',
          manifestDigest: digest,
          isContainer: true,
          architecture: 'amd64',
          os: 'linux',
          created: undefined,
          layerCount: 1,
          referrerCount: 0,
        },
      ]);
    }));

  it('leaves out what cannot be read, and says so', () =>
    withWorkspace(async (workspace) => {
      const { repository } = workspace;
      await pullDemo(workspace);
      await unlink(join(repository.path, 'streams', `oci-manifest-${digest}`));
      await symlink('../../elsewhere', join(repository.path, 'streams/refs/oci/odd'));
      const warnings: string[] = [];
      expect(await listImages(repository, { onWarning: (text) => warnings.push(text) })).toEqual([]);
      expect(warnings).toEqual([expect.stringContaining('cannot read image demo')]);
    }));

  it('of an empty repository is empty', () => withWorkspace(async ({ repository }) => expect(await listImages(repository)).toEqual([])));
});
