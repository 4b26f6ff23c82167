import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { threadId, Worker } from 'node:worker_threads';
import { describe, expect, it, vi } from 'vitest';
import { scanDirectory, type ScanProgress } from '../src/index.ts';
import { useDirectory } from './directory.ts';
import { dump } from './dump.ts';

describe('threads', () => {
  const path = useDirectory();

  function fill(): void {
    for (let index = 0; index < 40; index++) {
      const directory = join(path(), `d${index % 4}`, `${index}`);
      mkdirSync(directory, { recursive: true });
      for (let file = 0; file < 20; file++) writeFileSync(join(directory, `f${file}`), `${index * file}`.repeat(30));
    }
    writeFileSync(join(path(), 'large'), new Uint8Array(9 << 20).fill(1));
  }

  it('gives the same tree, however many there are', async () => {
    fill();
    const expected = await dump(path(), { threads: 1 });
    expect(expected).toHaveLength(1 + 4 + 40 + 800 + 1);
    for (const threads of [undefined, 3]) expect(await dump(path(), { threads })).toEqual(expected);
  });

  it('tells how far it is', async () => {
    fill();
    const seen: ScanProgress[] = [];
    const { stats } = await scanDirectory(path(), { algorithm: 'sha256', threads: 2, onProgress: (progress) => seen.push(progress) });
    expect(stats).toMatchObject({ directories: 45, entries: 801, files: 801, links: 0, stored: 0 });
    expect(seen.length).toBeGreaterThan(5);
    expect(seen.at(-1)).toEqual({ directories: 45, entries: 801, files: 801, bytes: stats.bytes });
    expect(seen.map(({ files }) => files)).toEqual(seen.map(({ files }) => files).toSorted((a, b) => a - b));
  });

  it.each([1, 2])('can be called off, and leaves no descriptor open: %i', async (threads) => {
    fill();
    // Threads in native code crash the process when they are terminated: they end by themselves (docs/decisions/ending-threads.md).
    using terminate = vi.spyOn(Worker.prototype, 'terminate');
    const before = descriptors();
    const reason = new Error('enough');
    const early = AbortSignal.abort(reason);
    await expect(scanDirectory(path(), { algorithm: 'sha256', threads, signal: early })).rejects.toBe(reason);
    const later = new AbortController();
    const onProgress = (): void => later.abort(reason);
    await expect(scanDirectory(path(), { algorithm: 'sha256', threads, signal: later.signal, onProgress })).rejects.toBe(reason);
    expect(descriptors()).toEqual(before);
    expect(terminate).not.toHaveBeenCalled();
  });

  it('passes errors of other threads on with their class, and closes everything', async () => {
    fill();
    const before = descriptors();
    const store = {
      module: new URL('./children/test-store.ts', import.meta.url).href,
      create: 'fullStore',
      options: { roomIn: threadId, directory: join(path(), 'd0') },
    };
    const failed = scanDirectory(path(), { algorithm: 'sha256', threads: 2, store });
    await expect(failed).rejects.toMatchObject({ name: 'FsScanError', code: 'STORE_FAILED', reason: expect.any(String) as unknown });
    expect(descriptors()).toEqual(before);
  });
});

/** What the open files of this process that are on disk are. */
function descriptors(): string[] {
  return readdirSync('/proc/self/fd')
    .filter((fd) => Number(fd) > 2)
    .slice(0, -1);
}
