// A thread of the tests: makes native calls when it is asked to, or hangs.
import { parentPort } from 'node:worker_threads';
import { nativeBlockHash, onMessages } from '../../src/index.ts';

const BLOCKS = new Uint8Array(64 * 4096);

onMessages<'hash' | 'hang'>(parentPort, (message) => {
  if (message === 'hang') for (;;);
  const digests = new Uint8Array(64 * 32);
  for (let round = 0; round < 100; round++) nativeBlockHash('sha256')?.hashBlocks(BLOCKS, 0, 64, digests, 0);
  parentPort?.postMessage('hashed', []);
});
