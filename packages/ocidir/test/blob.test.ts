import { blobPath, image, layoutFiles, toBlob, withTempDir, writeLayout, type Blob } from '@cfskit/fixtures';
import { openVerified, readBlob } from '@cfskit/oci-spec';
import { assert, asyncProperty, constantFrom, integer, nat } from 'fast-check';
import { spawnSync } from 'node:child_process';
import { appendFile, mkdir, readdir, readlink, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openOciDir, type OciDir } from '../src/index.ts';
import { chain, collect, failure } from './layouts.ts';

const CHUNK = 512 * 1024;
const OCTETS = 'application/octet-stream';
const small = toBlob(new TextEncoder().encode('content'), OCTETS);

/** Runs `work` on a layout that holds `blob`. */
async function withBlob(blob: Blob, work: (layout: OciDir, path: string, directory: string) => Promise<void>): Promise<void> {
  await withTempDir(async (directory) => {
    const path = blobPath(blob.descriptor.digest);
    await writeLayout(directory, { [path]: blob.bytes });
    await work(await openOciDir(directory), join(directory, path), directory);
  });
}

function pattern(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i * 7 + (i >> 9)) & 0xff);
}

/** Exit code of the command that makes one; Node has no call for it. */
function makeFifo(path: string, command = 'mkfifo'): number | null {
  return spawnSync(command, [path]).status;
}

/** How many files this process has open below `directory`; undefined where the system does not say. */
async function openFiles(directory: string): Promise<number | undefined> {
  const names = await readdir('/proc/self/fd').catch(() => undefined);
  if (names === undefined) return undefined;
  const paths = await Promise.all(names.map((name) => readlink(join('/proc/self/fd', name)).catch(() => '')));
  return paths.filter((path) => path.startsWith(directory)).length;
}

describe('reading a blob', () => {
  it.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5])('gives %i bytes in chunks of 512 KiB', async (size) => {
    const blob = toBlob(pattern(size), OCTETS);
    await withBlob(blob, async (layout) => {
      const { bytes, sizes } = await collect(layout.open(blob.descriptor));
      expect(Buffer.compare(bytes, blob.bytes)).toBe(0);
      expect(sizes.slice(0, -1).every((length) => length === CHUNK)).toBe(true);
      expect(sizes.every((length) => length > 0)).toBe(true);
    });
  });

  it.each(['sha256', 'sha512'] as const)('finds blobs named by %s', async (algorithm) => {
    const blob = toBlob(small.bytes, OCTETS, algorithm);
    await withBlob(blob, async (layout) => expect(await readBlob(layout, blob.descriptor)).toEqual(small.bytes));
  });

  it('closes the file at the end, when it is left early and when it fails', async () => {
    const blob = toBlob(pattern(3 * CHUNK), OCTETS);
    await withBlob(blob, async (layout, path, directory) => {
      await collect(layout.open(blob.descriptor));
      for await (const chunk of layout.open(blob.descriptor)) if (chunk.byteLength > 0) break;
      await truncate(path, CHUNK);
      await failure(collect(layout.open(blob.descriptor)));
      expect([0, undefined]).toContain(await openFiles(directory));
    });
  });

  it('ends with the reason of an aborted signal', async () => {
    const blob = toBlob(pattern(3 * CHUNK), OCTETS);
    await withBlob(blob, async (layout) => {
      const reason = new Error('enough');
      const controller = new AbortController();
      const reading = (async () => {
        for await (const chunk of layout.open(blob.descriptor, { signal: controller.signal }))
          if (chunk.byteLength > 0) controller.abort(reason);
      })();
      expect(await failure(reading)).toBe(reason);
    });
  });
});

describe('a blob that is not as announced', () => {
  it.each([
    ['shorter', 4, 'Expected size 7 but found 4'],
    ['empty', 0, 'Expected size 7 but found 0'],
    ['longer', 9, 'Expected size 7 but found 9'],
  ])('is refused: %s', async (_, size, text) => {
    await withBlob(small, async (layout, path) => {
      await truncate(path, size);
      const error = await failure(readBlob(layout, small.descriptor));
      expect(error).toMatchObject({ name: 'OciDirError', code: 'SIZE_MISMATCH', digest: small.descriptor.digest });
      expect(chain(error)).toContain(text);
    });
  });

  it('is refused: other content of the same size', async () => {
    await withBlob(small, async (layout, path) => {
      await writeFile(path, 'CONTENT');
      expect(await failure(readBlob(layout, small.descriptor))).toMatchObject({
        code: 'DIGEST_MISMATCH',
        expected: small.descriptor.digest,
      });
      expect((await collect(layout.open(small.descriptor))).bytes.byteLength).toBe(7); // open does not look
    });
  });

  it.each([
    ['grows', (path: string) => appendFile(path, 'x')],
    ['shrinks', (path: string) => truncate(path, 2 * CHUNK + 1)],
  ])('is noticed when it %s while it is read', async (_, change) => {
    const blob = toBlob(pattern(4 * CHUNK), OCTETS);
    await withBlob(blob, async (layout, path) => {
      const reading = (async () => {
        let count = 0;
        for await (const chunk of layout.open(blob.descriptor)) if (chunk.byteLength > 0 && count++ === 0) await change(path);
      })();
      expect(await failure(reading)).toMatchObject({ code: 'SIZE_MISMATCH' });
    });
  });

  it('is refused: none', async () => {
    await withBlob(small, async (layout, path) => {
      await rm(path);
      const error = await failure(readBlob(layout, small.descriptor));
      expect(error).toMatchObject({ code: 'BLOB_NOT_FOUND', digest: small.descriptor.digest, path: blobPath(small.descriptor.digest) });
      expect(chain(error)).toContain(small.descriptor.digest);
    });
  });

  it.each(['md5:abc', 'blake3:0123', 'sha256:../../../etc/passwd', 'sha256:ABC', '../x', 'sha256:'])(
    'is refused: digest %s',
    async (digest) => {
      await withBlob(small, async (layout) => {
        const error = await failure(collect(layout.open({ ...small.descriptor, digest })));
        expect(error).toMatchObject({ code: 'UNSUPPORTED_DIGEST', digest });
        expect(chain(error)).toContain(`Expected digest algorithm sha256 but found ${digest}`);
      });
    },
  );
});

describe.skipIf(process.platform === 'win32')('a blob that is no regular file', () => {
  it('is refused: a directory', async () => {
    await withBlob(small, async (layout, path) => {
      await rm(path);
      await mkdir(path);
      expect(await failure(readBlob(layout, small.descriptor))).toMatchObject({ code: 'NOT_A_FILE' });
    });
  });

  it('is refused without waiting: a FIFO', async () => {
    await withBlob(small, async (layout, path) => {
      await rm(path);
      expect(makeFifo(path)).toBe(0);
      expect(await failure(readBlob(layout, small.descriptor))).toMatchObject({ code: 'NOT_A_FILE' });
    });
  });

  it('is refused: a socket', async () => {
    await withBlob(small, async (layout, path, directory) => {
      await rm(path);
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(join(directory, 's'), resolve));
      await rename(join(directory, 's'), path);
      expect(await failure(readBlob(layout, small.descriptor))).toMatchObject({ code: 'NOT_A_FILE' });
      await new Promise((resolve) => server.close(resolve));
    });
  });

  it('is refused: a link out of the layout, to a file or through a directory', async () => {
    await withBlob(small, async (layout, path, directory) => {
      await withTempDir(async (outside) => {
        await writeLayout(outside, { [blobPath(small.descriptor.digest)]: small.bytes });
        await rm(path);
        await symlink(join(outside, blobPath(small.descriptor.digest)), path);
        expect(await failure(readBlob(layout, small.descriptor))).toMatchObject({ code: 'OUTSIDE_LAYOUT' });
        await rm(join(directory, 'blobs'), { recursive: true });
        await symlink(join(outside, 'blobs'), join(directory, 'blobs'));
        expect(await failure(readBlob(layout, small.descriptor))).toMatchObject({ code: 'OUTSIDE_LAYOUT' });
      });
    });
  });

  it('is refused: a loop of links', async () => {
    await withBlob(small, async (layout, path) => {
      await rm(path);
      await symlink(path, path);
      expect(await failure(readBlob(layout, small.descriptor))).toMatchObject({ code: 'NOT_A_FILE' });
    });
  });

  it('is read: a link inside the layout', async () => {
    await withBlob(small, async (layout, path, directory) => {
      await rename(path, join(directory, 'elsewhere'));
      await symlink('../../elsewhere', path);
      expect(await readBlob(layout, small.descriptor)).toEqual(small.bytes);
    });
  });
});

describe('any damage', () => {
  const packaged = image();
  const files = layoutFiles([{ image: packaged }]);

  it('to a manifest or config fails a checked read', async () => {
    await withTempDir(async (directory) => {
      await writeLayout(directory, files);
      const layout = await openOciDir(directory);
      const victims = constantFrom(...packaged.blobs);
      await assert(
        asyncProperty(victims, nat(), integer({ min: 1, max: 255 }), async ({ bytes, descriptor }, at, mask) => {
          const damaged = bytes.map((byte, i) => (i === at % bytes.byteLength ? byte ^ mask : byte));
          await writeFile(join(directory, blobPath(descriptor.digest)), damaged);
          expect(await failure(collect(openVerified(layout, descriptor)))).toMatchObject({ code: 'DIGEST_MISMATCH' });
          await writeFile(join(directory, blobPath(descriptor.digest)), bytes);
        }),
        { numRuns: 50 },
      );
    });
  });
});
