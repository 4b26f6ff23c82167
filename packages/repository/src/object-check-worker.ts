/** Entry of a worker thread that checks objects: a batch comes in, its findings go out. */
import { onMessages } from '@cfskit/linux';
import { parentPort, workerData } from 'node:worker_threads';
import { nativeHash } from './native-hash.ts';
import { checkBatch, finish, type CheckWorkerData, type ObjectBatch } from './object-check-batch.ts';
import { ObjectChecker } from './object-check.ts';
import { kernelVerity } from './verity-calls.ts';

const data = workerData as CheckWorkerData;
const checker = new ObjectChecker({ ...data, verity: kernelVerity, blockHash: nativeHash(data.algorithm) });

const isStopped = (): boolean => Atomics.load(data.stop, 0) !== 0;

onMessages<ObjectBatch>(parentPort, (batch) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(finish(checkBatch(checker, batch), isStopped) ?? []);
});
