import { image, tar, tarLayer } from '@cfskit/fixtures';
import { dumpLines } from '@cfskit/fs-tree';
import { initRepository } from '@cfskit/repository';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildImageTree, convertObjectIds, openImage } from '../src/index.ts';
import { container, dumpOf } from './pull-image.ts';
import { pull, withWorkspace } from './workspace.ts';

describe('convertObjectIds', () => {
  it('gives the tree of a repository of the other algorithm, hard links included', () =>
    withWorkspace(async ({ repository, layout, directory }) => {
      const source = await layout([{ image: container() }]);
      await pull(repository, source, { name: 'demo' });
      const other = await initRepository(join(directory, 'other'), { algorithm: 'sha512', insecure: true });
      await pull(other, source, { name: 'demo' });
      const root = await buildImageTree(repository, await openImage(repository, 'demo'));
      await convertObjectIds(repository, root, 'sha256');
      expect([...dumpLines(root)]).toEqual(await dumpOf(repository, 'demo'));
      await convertObjectIds(repository, root, 'sha512');
      expect([...dumpLines(root)]).toEqual(await dumpOf(other, 'demo'));
      await other.close();
    }));

  it('refuses objects that are not what they were', () =>
    withWorkspace(async ({ repository, layout }) => {
      const large = image({
        layers: [
          tarLayer(
            tar([
              { path: 'usr/', type: 'dir' },
              { path: 'usr/file', content: new Uint8Array(100) },
            ]),
          ),
        ],
      });
      await pull(repository, await layout([{ image: large }]), { name: 'demo' });
      const root = await buildImageTree(repository, await openImage(repository, 'demo'));
      for await (const id of repository.objects.list()) {
        if (repository.objects.sizeSync(id) !== 100) continue;
        await chmod(repository.objects.pathOf(id), 0o644);
        await writeFile(repository.objects.pathOf(id), new Uint8Array(100).fill(1));
      }
      await expect(convertObjectIds(repository, root, 'sha512')).rejects.toMatchObject({ code: 'CORRUPT_OBJECT' });
    }));
});
