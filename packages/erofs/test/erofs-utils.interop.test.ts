import { fromLatin1 } from '@cfskit/binary';
import { parseDumpfile } from '@cfskit/fs-tree';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FORMAT_VERSIONS, openImage, writeImage } from '../src/index.ts';
import { walkImage } from '../src/walk-image.ts';
import { expectedImages, treeOf, treeVectors, type Expected } from './vectors.ts';

const present = spawnSync('fsck.erofs', ['--version']).error === undefined && spawnSync('dump.erofs', ['--version']).error === undefined;

it.runIf(process.env['CI'])('fsck.erofs and dump.erofs are there', () => expect(present).toBe(true));

/** What format 2 cannot say so that kernels understand it: files above 8 TiB, and external files without a digest. */
const BEYOND_FORMAT_2 = new Set(['external-no-digest', 'external-1024-chunks', 'external-sizes']);

describe.skipIf(!present)('erofs-utils', () => {
  let directory: string;
  let file: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'cfskit-erofs-'));
    file = join(directory, 'image');
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const images = expectedImages.filter(({ vector, version }) => version < 2 || !BEYOND_FORMAT_2.has(vector.name));

  it.each(images)('fsck.erofs takes $label', (image) => {
    writeFileSync(file, imageOf(image));
    expect(fsck(file)).toBe('');
  });

  const trees = treeVectors.filter(({ oci_image_ids: ids }) => ids?.['V1']?.['sha256'] !== undefined);

  it.each(trees)('fsck.erofs takes the images of $name', ({ oci }) => {
    for (const version of FORMAT_VERSIONS) {
      writeFileSync(file, writeImage(parseDumpfile(fromLatin1(oci as string)), { version }));
      expect(fsck(file)).toBe('');
    }
  });

  it.each([0, 1, 2] as const)('dump.erofs sees the same inodes in format %i', (version) => {
    const image = writeImage(treeOf('file-types'), { version });
    writeFileSync(file, image);
    const named = [...walkImage(openImage(image))].filter(({ name }) => !/^[0-9a-f]{2}$/.test(name));
    expect(named.length).toBe(10);
    for (const { name, inode } of named) {
      const shown = execFileSync('dump.erofs', [`--path=/${name}`, file], { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
      const [, size, nid, links, uid, gid, access, seconds, nanoseconds] = SHOWN.exec(shown) ?? [];
      expect([size, nid, links, uid, gid].map(Number)).toEqual([inode.size, inode.nid, inode.nlink, inode.uid, inode.gid]);
      expect(access).toBe((inode.mode & 0o777).toString(8).padStart(4, '0'));
      expect(BigInt(Date.parse(`${seconds}Z`) / 1000)).toBe(inode.mtime.seconds);
      expect(Number(nanoseconds)).toBe(inode.mtime.nanoseconds);
    }
  });
});

/** Of the permission bits it shows nine. */
const SHOWN =
  /Size: (\d+) [^]*NID: (\d+) +Links: (\d+)[^]*Uid: (\d+) +Gid: (\d+) +Access: (\d+)[^]*Timestamp: (\d+-\d+-\d+ \d+:\d+:\d+)\.(\d{9})/;

function imageOf({ vector, version, profile }: Expected): Uint8Array {
  return writeImage(treeOf(vector.name), { version, profile });
}

/** What fsck.erofs complains about. */
function fsck(file: string): string {
  const { status, stdout, stderr } = spawnSync('fsck.erofs', ['-d2', file], { encoding: 'utf8' });
  return status === 0 ? '' : `exit ${status}: ${stdout}${stderr}`;
}
