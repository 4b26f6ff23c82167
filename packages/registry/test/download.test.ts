import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { toBlob, withTempDir } from '@cfskit/fixtures';
import { collectingReporter } from '@cfskit/progress';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failure, pattern, scripted, testClient, testRegistry } from './support.ts';

const SIZE = 1_500_000;
const { bytes: content, descriptor } = toBlob(pattern(SIZE), 'application/vnd.oci.image.layer.v1.tar');
const partialName = (path: string): string => `${path}.${descriptor.digest.slice(7, 23)}.partial`;

async function withContent() {
  const registry = await testRegistry();
  registry.repository('a').put(content);
  return { registry, name: `${registry.registry}/a`, ranges: () => registry.requests.map(({ headers }) => headers.range) };
}

describe('downloadBlob', () => {
  it('leaves the file and nothing else', async () => {
    const { name } = await withContent();
    await withTempDir(async (directory) => {
      const reporter = collectingReporter();
      const result = await testClient().downloadBlob(name, descriptor, `${directory}/layer`, { reporter });
      expect(result).toEqual({ state: 'downloaded', bytesFetched: SIZE, bytesResumed: 0 });
      expect((await readFile(`${directory}/layer`)).equals(content)).toBe(true);
      expect(await readdir(directory)).toEqual(['layer']);
      expect(reporter.events[0]).toEqual({ type: 'started', id: descriptor.digest, total: SIZE, unit: 'bytes' });
      expect(reporter.events.at(-1)).toEqual({ type: 'done', id: descriptor.digest, transferred: SIZE });
      expect((await stat(`${directory}/layer`)).mode & 0o111).toBe(0);
    });
  });

  it('asks for nothing when the file is there and right', async () => {
    const { registry, name } = await withContent();
    await withTempDir(async (directory) => {
      await writeFile(`${directory}/layer`, content);
      const reporter = collectingReporter();
      const result = await testClient().downloadBlob(name, descriptor, `${directory}/layer`, { reporter });
      expect(result).toEqual({ state: 'present', bytesFetched: 0, bytesResumed: 0 });
      expect(reporter.events).toEqual([{ type: 'skipped', id: descriptor.digest }]);
      expect(registry.requests).toEqual([]);
    });
  });

  it('replaces a file of the right size and wrong content', async () => {
    const { name } = await withContent();
    await withTempDir(async (directory) => {
      await writeFile(`${directory}/layer`, pattern(SIZE).fill(0));
      expect((await testClient().downloadBlob(name, descriptor, `${directory}/layer`)).state).toBe('downloaded');
      expect((await readFile(`${directory}/layer`)).equals(content)).toBe(true);
    });
  });

  it('goes on where an earlier download ended, wherever that is', async () => {
    const { registry, name } = await withContent();
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.integer({ min: 1, max: SIZE }), fc.constantFrom(1, 262_144, SIZE - 1, SIZE)), async (there) => {
        await withTempDir(async (directory) => {
          const before = registry.requests.length;
          await writeFile(partialName(`${directory}/layer`), content.subarray(0, there));
          const result = await testClient().downloadBlob(name, descriptor, `${directory}/layer`);
          expect(result).toEqual({ state: 'downloaded', bytesFetched: SIZE - there, bytesResumed: there });
          const asked = registry.requests.slice(before).filter(({ path }) => path.includes('/blobs/'));
          expect(asked.map(({ headers }) => headers.range)).toEqual(there === SIZE ? [] : [`bytes=${there}-`]);
          expect((await readFile(`${directory}/layer`)).equals(content)).toBe(true);
        });
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    ['a part of something else', pattern(700_000).fill(9)],
    ['more than there can be', pattern(SIZE + 1)],
    ['a whole of something else', pattern(SIZE).fill(9)],
  ])('begins again after %s', async (_, partial) => {
    const { name, ranges } = await withContent();
    await withTempDir(async (directory) => {
      await writeFile(partialName(`${directory}/layer`), partial);
      const result = await testClient().downloadBlob(name, descriptor, `${directory}/layer`);
      expect(result).toEqual({ state: 'downloaded', bytesFetched: SIZE, bytesResumed: 0 });
      expect(ranges().at(-1)).toBeUndefined();
    });
  });

  it('gives up after the second wrong content, and leaves no file', async () => {
    const { registry, name } = await withContent();
    registry.repository('a').blobs.set(descriptor.digest, pattern(SIZE).fill(1));
    await withTempDir(async (directory) => {
      expect(await failure(testClient().downloadBlob(name, descriptor, `${directory}/layer`))).toMatchObject({ code: 'DIGEST_MISMATCH' });
      expect(await readdir(directory)).toEqual([]);
      expect(registry.requests.filter(({ path }) => path.includes('/blobs/'))).toHaveLength(2);
    });
  });

  it('keeps what has come when it is aborted', async () => {
    const server = await scripted(
      (_, response) => void response.writeHead(200, { 'content-length': SIZE }).write(content.subarray(0, 600_000)),
    );
    await withTempDir(async (directory) => {
      const controller = new AbortController();
      const reporter = { report: ({ type }: { readonly type: string }) => (type === 'progress' ? controller.abort() : undefined) };
      const options = { reporter, signal: controller.signal };
      expect((await failure(testClient().downloadBlob(`${server.host}/a`, descriptor, `${directory}/layer`, options))).name).toBe(
        'AbortError',
      );
      const partial = await readFile(partialName(`${directory}/layer`));
      expect(partial.byteLength).toBeGreaterThan(0);
      expect(partial.equals(content.subarray(0, partial.byteLength))).toBe(true);
    });
  });

  it('does not mix the parts of two blobs that go to one path', async () => {
    const { registry, name } = await withContent();
    const other = registry.repository('a').put(pattern(1000));
    await withTempDir(async (directory) => {
      await writeFile(partialName(`${directory}/layer`), content.subarray(0, 500));
      await testClient().downloadBlob(name, other, `${directory}/layer`);
      expect((await readdir(directory)).length).toBe(2);
      expect((await testClient().downloadBlob(name, descriptor, `${directory}/layer`)).bytesResumed).toBe(500);
    });
  });

  it('does not write through a link in place of the partial file', async () => {
    const { name } = await withContent();
    await withTempDir(async (directory) => {
      await writeFile(`${directory}/victim`, 'x');
      await symlink('victim', partialName(`${directory}/layer`));
      expect(await failure(testClient().downloadBlob(name, descriptor, `${directory}/layer`))).toMatchObject({ code: 'EEXIST' });
      expect(await readFile(`${directory}/victim`, 'latin1')).toBe('x');
    });
  });

  it('is not disturbed by others that go to the same path', async () => {
    const { registry, name } = await withContent();
    await withTempDir(async (directory) => {
      const results = await Promise.all([1, 2, 3].map(() => testClient().downloadBlob(name, descriptor, `${directory}/layer`)));
      expect(results).toEqual([1, 2, 3].map(() => ({ state: 'downloaded', bytesFetched: SIZE, bytesResumed: 0 })));
      expect(registry.requests.filter(({ path }) => path.includes('/blobs/'))).toHaveLength(3);
      expect((await readFile(`${directory}/layer`)).equals(content)).toBe(true);
      expect(await readdir(directory)).toEqual(['layer']);
    });
  });

  it('says what is wrong with the path', async () => {
    const { name } = await withContent();
    await withTempDir(async (directory) => {
      expect(await failure(testClient().downloadBlob(name, descriptor, `${directory}/missing/layer`))).toMatchObject({ code: 'ENOENT' });
    });
  });
});

it('a process that is killed loses one chunk at most', async () => {
  const sent: number[] = [];
  const server = await scripted((request, response) => {
    const start = Number(/[0-9]+/.exec(request.headers.range ?? '0')![0]);
    const index = sent.push(0) - 1;
    const range = start === 0 ? {} : { 'content-range': `bytes ${start}-${SIZE - 1}/${SIZE}` };
    response.writeHead(start === 0 ? 200 : 206, { 'content-length': SIZE - start, ...range });
    // The first answer stops in the middle and waits, so that the process is certainly killed while it downloads.
    const part = content.subarray(start, start === 0 ? 900_000 : SIZE);
    response.write(part, () => (sent[index] = part.byteLength));
    if (start > 0) response.end();
  });
  await withTempDir(async (directory) => {
    const path = `${directory}/layer`;
    const child = fork(fileURLToPath(new URL('download-process.ts', import.meta.url)), [server.host, JSON.stringify(descriptor), path], {
      execArgv: ['--conditions=source'],
      stdio: 'ignore',
    });
    await once(child, 'message'); // 786432 bytes have been reported
    child.kill('SIGKILL');
    await once(child, 'exit');
    const { size } = await stat(partialName(path));
    expect(size).toBeGreaterThanOrEqual(2 * 262_144);
    const result = await testClient().downloadBlob(`${server.host}/a`, descriptor, path);
    expect(result.bytesResumed).toBe(size);
    expect((await readFile(path)).equals(content)).toBe(true);
    expect(sent.at(0)! + sent.at(1)! - SIZE).toBeLessThanOrEqual(900_000 - size);
  });
});
