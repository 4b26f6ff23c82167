// Makes native calls for ever.
import { parentPort } from 'node:worker_threads';
import { nativeBlockHash } from '../../src/index.ts';

const hash = nativeBlockHash('sha256');
const blocks = new Uint8Array(4096);
const digest = new Uint8Array(32);
parentPort?.postMessage('busy', []);
for (;;) hash?.hashBlocks(blocks, 0, 1, digest, 0);
