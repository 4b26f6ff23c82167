import { toBlob, withTempDir } from '@cfskit/fixtures';
import { assert, asyncProperty, nat } from 'fast-check';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fetchBlobFile, openOciDir, openOciLayoutWriter, type BlobRest, type OpenBlobAt } from '../src/index.ts';
import { collect, failure } from './layouts.ts';

const { bytes, descriptor } = toBlob(
  Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff),
  'application/octet-stream',
);

/** A source that gives pieces of 1000 bytes, and fails at `end`; it notes where it was asked to begin. */
function source(asked: number[], end = Infinity, content = bytes): OpenBlobAt {
  async function* chunks(start: number): AsyncGenerator<Uint8Array, void> {
    for (let at = start; at < content.length; at += 1000) {
      if (at >= end) throw await Promise.resolve(new Error('connection lost'));
      yield content.slice(at, at + 1000);
    }
  }
  return (position): BlobRest => {
    asked.push(position);
    return { start: position, chunks: chunks(position) };
  };
}

const wholeAgain =
  (content: Uint8Array): OpenBlobAt =>
  () => ({ start: 0, chunks: collectable(content) });
async function* collectable(content: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield await Promise.resolve(content);
}

describe('fetching a blob', () => {
  it('goes on where it was interrupted', async () => {
    await withTempDir(async (directory) => {
      const asked: number[] = [];
      expect(await failure(fetchBlobFile(directory, 'blob', descriptor, source(asked, 30_000)))).toMatchObject({
        message: 'connection lost',
      });
      expect(await readdir(directory)).toEqual(['blob.partial']);
      const progress: number[] = [];
      const result = await fetchBlobFile(directory, 'blob', descriptor, source(asked), { onProgress: (present) => progress.push(present) });
      expect(result).toEqual({ fetched: 70_000, resumed: 30_000 });
      expect(asked).toEqual([0, 30_000]);
      expect([progress[0], progress.at(-1)]).toEqual([30_000, 100_000]);
      expect(Buffer.compare(await readFile(join(directory, 'blob')), bytes)).toBe(0);
      expect(await readdir(directory)).toEqual(['blob']);
    });
  });

  it('goes on from any position, even one that no chunk ends at', async () => {
    await assert(
      asyncProperty(nat(bytes.length), async (length) => {
        await withTempDir(async (directory) => {
          await writeFile(join(directory, 'blob.partial'), bytes.subarray(0, length));
          const result = await fetchBlobFile(directory, 'blob', descriptor, source([]));
          expect(result).toEqual({ fetched: bytes.length - length, resumed: length });
          expect(Buffer.compare(await readFile(join(directory, 'blob')), bytes)).toBe(0);
        });
      }),
      { numRuns: 20 },
    );
  });

  it('starts again where the source cannot begin in the middle', async () => {
    await withTempDir(async (directory) => {
      await writeFile(join(directory, 'blob.partial'), bytes.subarray(0, 500));
      expect(await fetchBlobFile(directory, 'blob', descriptor, wholeAgain(bytes))).toEqual({ fetched: bytes.length, resumed: 0 });
    });
  });

  it.each([
    ['is wrong', bytes.subarray(0, 5000).with(17, 9)],
    ['is wrong and complete', bytes.with(17, 9)],
    ['is too long', Buffer.concat([bytes, bytes])],
  ])('starts again where what is left of the last time %s', async (_, part) => {
    await withTempDir(async (directory) => {
      await writeFile(join(directory, 'blob.partial'), part);
      expect(await fetchBlobFile(directory, 'blob', descriptor, source([]))).toEqual({ fetched: bytes.length, resumed: 0 });
      expect(Buffer.compare(await readFile(join(directory, 'blob')), bytes)).toBe(0);
    });
  });

  it.each([
    ['other content', bytes.with(99_999, 9), 'DIGEST_MISMATCH'],
    ['too little', bytes.subarray(0, 99_999), 'SIZE_MISMATCH'],
    ['too much', Buffer.concat([bytes, new Uint8Array(1)]), 'SIZE_MISMATCH'],
  ])('keeps nothing of a source that gives %s', async (_, content, code) => {
    await withTempDir(async (directory) => {
      expect(await failure(fetchBlobFile(directory, 'blob', descriptor, source([], Infinity, content)))).toMatchObject({ code });
      expect(await readdir(directory)).toEqual([]);
    });
  });

  it('keeps what has come when it is aborted', async () => {
    await withTempDir(async (directory) => {
      const controller = new AbortController();
      const onProgress = (present: number): void => {
        if (present === 10_000) controller.abort(new Error('enough'));
      };
      const error = await failure(fetchBlobFile(directory, 'blob', descriptor, source([]), { signal: controller.signal, onProgress }));
      expect(error).toBe(controller.signal.reason);
      expect((await readFile(join(directory, 'blob.partial'))).length).toBeGreaterThanOrEqual(10_000);
    });
  });

  it('does not write through a link, nor into something else', async () => {
    await withTempDir(async (directory) => {
      await writeFile(join(directory, 'victim'), 'x');
      await symlink('victim', join(directory, 'blob.partial'));
      expect(await failure(fetchBlobFile(directory, 'blob', descriptor, source([])))).toMatchObject({ code: 'NOT_A_FILE' });
      await mkdir(join(directory, 'other.partial'));
      expect(await failure(fetchBlobFile(directory, 'other', descriptor, source([])))).toMatchObject({ code: 'NOT_A_FILE' });
      expect(await readFile(join(directory, 'victim'), 'latin1')).toBe('x');
    });
  });

  it('fetches into a layout', async () => {
    await withTempDir(async (directory) => {
      const writer = await openOciLayoutWriter(directory);
      expect(await failure(writer.fetchBlob(descriptor, source([], 50_000)))).toMatchObject({ message: 'connection lost' });
      expect(await writer.hasBlob(descriptor)).toBe(false);
      expect(await writer.fetchBlob(descriptor, source([]))).toEqual({ fetched: 50_000, resumed: 50_000 });
      expect((await collect((await openOciDir(directory)).open(descriptor))).bytes.length).toBe(bytes.length);
      expect(await failure(writer.fetchBlob({ ...descriptor, digest: 'sha256:../x' }, source([])))).toMatchObject({
        code: 'UNSUPPORTED_DIGEST',
      });
    });
  });

  it('is not disturbed by others that fetch into the same place', async () => {
    await withTempDir(async (directory) => {
      const [begun, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      async function* waiting(): AsyncGenerator<Uint8Array, void> {
        yield bytes.subarray(0, 70_000);
        begun.resolve();
        await go.promise;
        yield bytes.subarray(70_000);
      }
      const first = fetchBlobFile(directory, 'blob', descriptor, () => ({ start: 0, chunks: waiting() }));
      await begun.promise;
      const asked: number[] = [];
      const liar = source(asked, 90_000, new Uint8Array(bytes.length));
      expect(await failure(fetchBlobFile(directory, 'blob', descriptor, liar))).toMatchObject({ message: 'connection lost' });
      expect(asked).toEqual([0]);
      const own = fetchBlobFile(directory, 'blob', descriptor, source([]));
      go.resolve();
      expect(await Promise.all([first, own])).toEqual([1, 2].map(() => ({ fetched: bytes.length, resumed: 0 })));
      expect(Buffer.compare(await readFile(join(directory, 'blob')), bytes)).toBe(0);
      expect(await readdir(directory)).toEqual(['blob']);
    });
  });

  it('is not written to any more by others when it has its name', async () => {
    await withTempDir(async (directory) => {
      const [begun, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      async function* wrong(): AsyncGenerator<Uint8Array, void> {
        yield bytes.slice(0, 10).fill(99);
        begun.resolve();
        await go.promise;
        throw new Error('connection lost');
      }
      const slow = failure(fetchBlobFile(directory, 'blob', descriptor, () => ({ start: 0, chunks: wrong() })));
      await begun.promise;
      await fetchBlobFile(directory, 'blob', descriptor, source([]));
      go.resolve();
      expect(await slow).toMatchObject({ message: 'connection lost' });
      expect(Buffer.compare(await readFile(join(directory, 'blob')), bytes)).toBe(0);
    });
  });

  it('leaves nothing where nothing came', async () => {
    await withTempDir(async (directory) => {
      expect(await failure(fetchBlobFile(directory, 'blob', descriptor, source([], 0)))).toMatchObject({ message: 'connection lost' });
      expect(await readdir(directory)).toEqual([]);
    });
  });
});
