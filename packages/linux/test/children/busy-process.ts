// Ends while its threads make native calls.
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { endProcess } from '../../src/index.ts';

process.on('exit', (code) => process.stdout.write(`exit ${code}`));
const threads = [1, 2].map(() => new Worker(new URL('busy-thread.ts', import.meta.url), { execArgv: ['--conditions=source'] }));
await Promise.all(threads.map((thread) => once(thread, 'message')));
endProcess(130);
