import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openRepository } from '../src/index.ts';
import { startChild } from './child.ts';
import { newRepository, tree } from './support.ts';

it('killed at any moment, writing or collecting, a repository is in order', async () => {
  const repository = await newRepository();
  await repository.close();
  for (const delayMs of [5, 12, 23, 37, 58, 90]) {
    const child = await startChild('write-forever', repository.path);
    await sleep(delayMs);
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    const opened = await openRepository(repository.path, { lockTimeoutMs: 1000 });
    expect((await opened.fsck()).errors).toEqual([]);
    await opened.gc();
    expect((await opened.fsck()).errors).toEqual([]);
    expect(tree(repository.path).filter((path) => path.includes('.tmp-') || path.includes('.symlink-'))).toEqual([]);
    await opened.close();
  }
});
