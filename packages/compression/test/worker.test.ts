import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { pack } from './packing.ts';
import { decoders, same, text } from './support.ts';

/** Decodes in a thread of its own and hands the chunks over without copying. */
function decodeInWorker(packed: Uint8Array, format: string, backend: string): Promise<Uint8Array> {
  const module = JSON.stringify(new URL('../src/index.ts', import.meta.url).href);
  const script = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(${module}).then(async ({ decode }) => {
      const { packed, ...options } = workerData;
      for await (const { buffer, byteLength } of decode([packed], options)) parentPort.postMessage({ buffer, byteLength }, [buffer]);
    });`;
  const worker = new Worker(script, { eval: true, execArgv: ['--conditions=source'], workerData: { packed, format, backend } });
  const chunks: Uint8Array[] = [];
  return new Promise((resolve, reject) => {
    worker.on('message', ({ buffer, byteLength }: { buffer: ArrayBuffer; byteLength: number }) => {
      chunks.push(new Uint8Array(buffer, 0, byteLength));
    });
    worker.on('error', reject);
    worker.on('exit', () => resolve(Buffer.concat(chunks)));
  });
}

it.each(decoders)('$format by $backend works in a worker thread', async ({ format, backend }) => {
  const content = text(2_500_000);
  expect(same(await decodeInWorker(pack(format, content), format, backend), content)).toBe(true);
});
