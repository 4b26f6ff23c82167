import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { dumpLines } from '@cfskit/fs-tree';
import { describe, expect, it } from 'vitest';
import { scanDirectory, type ContentStoreModule } from '../src/index.ts';
import { useDirectory } from './directory.ts';
import { dump } from './dump.ts';

const module = new URL('./children/test-store.ts', import.meta.url).href;
const MIB = 1 << 20;

describe.each([1, 2])('a content store, with %i threads', (threads) => {
  const path = useDirectory();
  const elsewhere = useDirectory();

  function scan(create: string, options: unknown = {}): ReturnType<typeof scanDirectory> {
    const store: ContentStoreModule = { module, create, options };
    return scanDirectory(path(), { algorithm: 'sha256', threads, store });
  }

  /** So many files that some are left for threads. */
  function fill(): void {
    for (let index = 0; index < 600; index++) writeFileSync(join(path(), `f${index}`), `${index % 100}`.repeat(50));
  }

  /** Options of stores that fail: with one thread in this one, with more in those. */
  function failing(): unknown {
    return { roomIn: threads === 1 ? -1 : threadId, directory: elsewhere() };
  }

  it('gets every content that is not inline, as it is hashed, once', async () => {
    fill();
    for (const size of [64, 65, MIB, MIB + 1, 5 * MIB]) writeFileSync(join(path(), `size${size}`), new Uint8Array(size).fill(size % 251));
    const { root, stats } = await scan('directoryStore', { directory: elsewhere() });
    const names = readdirSync(elsewhere());
    expect(names).not.toContain('aborted');
    const external = [...root.entries()].flatMap(([name, node]) =>
      node.kind === 'file' && node.content.kind === 'external' ? [{ name, id: node.content.objectId }] : [],
    );
    expect(new Set(external.map(({ id }) => id))).toEqual(new Set(names));
    for (const { name, id } of external) {
      expect(readFileSync(join(elsewhere(), id)).equals(readFileSync(join(path(), name)))).toBe(true);
    }
    expect(stats.external).toBe(external.length);
    expect(stats.stored).toBeGreaterThanOrEqual(names.length); // two threads may both be the first
    expect([...dumpLines(root)]).toEqual(await dump(path(), { threads }));
    expect((await scan('directoryStore', { directory: elsewhere() })).stats).toMatchObject({ stored: 0, storedBytes: 0 });
  });

  it('passes on why a content cannot be stored', async () => {
    fill();
    await expect(scan('fullStore', failing())).rejects.toMatchObject({
      name: 'FsScanError',
      code: 'STORE_FAILED',
      path: expect.stringMatching(/^\/f\d+$/) as unknown,
      cause: { code: 'ENOSPC', message: 'no space left' },
    });
  });

  it('passes on why it cannot be opened', async () => {
    fill();
    await expect(scan('brokenStore', failing())).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'cannot be opened' });
    await expect(scan('noSuchStore')).rejects.toThrow('exports no function noSuchStore');
  });

  it.each(['append', 'truncate', 'touch'])('leaves nothing of a file that changes while it is read: %s', async (how) => {
    const file = join(path(), 'file');
    writeFileSync(file, new Uint8Array(3 * MIB));
    const aborted = join(elsewhere(), 'aborted');
    await expect(scan('meddlingStore', { file, how, aborted })).rejects.toMatchObject({ code: 'CHANGED', path: '/file' });
    // When only the times changed the content had been complete, and an object that nobody names does no harm.
    expect(existsSync(aborted)).toBe(how !== 'touch');
  });
});
