import { dumpLines } from '@cfskit/fs-tree';
import type { XattrMode } from '@cfskit/fs-tree';
import { openOciDir } from '@cfskit/ocidir';
import { sha256 } from '@cfskit/fixtures';
import type { ErofsFormat } from '@cfskit/repository';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { buildImageTree, createImages, openImage } from '../src/index.ts';
import { pullImage } from './pull-image.ts';
import { readVectors, withWorkspace } from './workspace.ts';

interface Expected {
  readonly config: string;
  readonly images: readonly { readonly format: ErofsFormat; readonly xattrs: XattrMode; readonly id: string }[];
  readonly dumps: Readonly<Record<XattrMode, string>>;
}

const { repositories } = await readVectors<{ repositories: Readonly<Record<'sha256' | 'sha512', Expected>> }>('tiny.json');
const tiny = fileURLToPath(new URL('../../../examples/tiny', import.meta.url));

it.each(['sha256', 'sha512'] as const)('the example has the images that cfsctl gives it, in a %s repository', (algorithm) =>
  withWorkspace(async ({ repository }) => {
    const expected = repositories[algorithm];
    const usual = expected.images.find(({ format, xattrs }) => format === 1 && xattrs === 'allowlist-only')!;
    const result = await pullImage(repository, await openOciDir(tiny, { tag: 'latest' }), { name: 'tiny' });
    expect(result).toMatchObject({ imageId: usual.id, configVerity: expected.config });
    const image = await openImage(repository, 'tiny');
    for (const { format, xattrs, id } of expected.images) {
      expect(await createImages(repository, 'tiny', { formats: [format], xattrs })).toMatchObject({ imageId: id });
      const lines = [...dumpLines(await buildImageTree(repository, image, { xattrs }))].map((line) => `${line}\n`);
      expect(sha256(Buffer.from(lines.join(''), 'latin1'))).toBe(`sha256:${expected.dumps[xattrs]}`);
    }
    expect((await repository.fsck()).errors).toEqual([]);
  }, algorithm),
);
