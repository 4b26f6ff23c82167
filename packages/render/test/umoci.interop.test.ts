import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { openOciDir } from '@cfskit/ocidir';
import { parsePlatform } from '@cfskit/oci-spec';
import { describe, expect, it } from 'vitest';
import { convertDir, convertSquashfs, convertTar, openImageDirectory, verify, type VerifySubject } from '../src/index.ts';
import { entriesInFile, withPath } from './support/images.ts';
import { threeLayouts, writeFiles } from './support/layouts.ts';
import { isRoot, needs, run } from './support/programs.ts';

const LAYOUTS = threeLayouts();
const EXTRAS = ['mtime', 'xattrs', 'links'] as const;

/** The image in one of its forms, what umoci makes of it, and a place for what we make. */
async function besideUmoci(
  form: keyof typeof LAYOUTS,
  work: (image: string, to: string, reference: string) => Promise<void>,
): Promise<void> {
  await withPath(async (to, directory) => {
    await mkdir(join(directory, 'image'));
    await writeFiles(join(directory, 'image'), LAYOUTS[form]);
    await writeFiles(join(directory, 'oci'), LAYOUTS['oci-layout']);
    run('umoci', 'unpack', ...(isRoot ? [] : ['--rootless']), '--image', `${join(directory, 'oci')}:latest`, join(directory, 'bundle'));
    await work(join(directory, 'image'), to, join(directory, 'bundle/rootfs'));
  });
}

/** Without root, umoci notes on what it unpacks the owner that the image says. */
const OWNER_NOTE = 'xattr user.rootlesscontainers: generated=none reference=';

/** Everything but the root, which umoci leaves as it was made, and but what umoci notes for itself. */
async function differences(subject: VerifySubject, reference: string): Promise<unknown[]> {
  const report = await verify(subject, reference, { extras: EXTRAS });
  const below = report.differences.filter(({ path }) => path !== '.');
  const notes = below.filter(({ detail }) => detail.startsWith(OWNER_NOTE));
  // All of one owner, and none where a file system has no such attributes.
  expect(new Set(notes.map(({ detail }) => detail)).size).toBeLessThanOrEqual(isRoot ? 0 : 1);
  return [...report.onlyInGenerated, ...report.onlyInReference, ...below.filter((difference) => !notes.includes(difference))];
}

describe.runIf(needs('umoci'))('what umoci unpacks is what we make', () => {
  it.runIf(needs('mksquashfs')).each(['oci-layout', 'docker-save', 'docker-save-both'] as const)('%s to squashfs', async (form) => {
    await besideUmoci(form, async (image, to, reference) => {
      await convertSquashfs(await openImageDirectory(image), to);
      expect(await differences({ kind: 'squashfs', path: to }, reference)).toEqual([]);
    });
  });

  it('to a tar, with what the layers say', async () => {
    await besideUmoci('oci-layout', async (image, to, reference) => {
      await convertTar(await openOciDir(image), to, { tag: 'latest', platform: parsePlatform('linux/amd64') });
      expect(await differences({ kind: 'tar', path: to }, reference)).toEqual([]);
      const entries = await entriesInFile(to);
      expect(entries.get('data/overwrite-me.txt')?.content).toBe('new\n');
      expect(entries.has('data/whiteout-me.txt') || entries.has('opaque-dir/old.txt')).toBe(false);
      expect(entries.get('long-link')?.target).toBe('b'.repeat(101));
    });
  });

  it('to a directory', async () => {
    await besideUmoci('oci-layout', async (image, to, reference) => {
      await convertDir(await openOciDir(image), to, { platform: parsePlatform('linux/amd64') });
      expect(await differences({ kind: 'dir', path: to }, reference)).toEqual([]);
      expect(readdirSync(join(to, 'opaque-dir'))).toEqual(['new.txt']);
      expect(readFileSync(join(to, 'data/cross-link.txt'), 'utf8')).toBe('hello\n');
      expect(lstatSync(join(to, 'data/cross-link.txt')).ino).toBe(lstatSync(join(to, 'data/hello.txt')).ino);
    });
  });

  it.runIf(isRoot && needs('mksquashfs') && needs('unsquashfs'))(
    'made by root, the root of a squashfs image is 0755 root/root',
    async () => {
      await besideUmoci('oci-layout', async (image, to) => {
        await convertSquashfs(await openImageDirectory(image), to);
        expect(
          run('unsquashfs', '-lln', '-d', '', to)
            .split('\n')
            .find((line) => line.startsWith('d')),
        ).toMatch(/^drwxr-xr-x 0\/0 /);
      });
    },
  );
});
