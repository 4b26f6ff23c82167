/** Entry of a worker thread: unpacks one layer after another. */
import { parentPort } from 'node:worker_threads';
import { describeError, onMessages } from '@cfskit/linux';
import type { Expected } from '@cfskit/oci-spec';
import { decodeBlob, type DecodeJob } from './decode-blob.ts';
import { INPUT_WINDOW, OUTPUT_WINDOW, type FromThread, type ToThread } from './thread-messages.ts';

const port = parentPort!;

/** What has arrived for the job at hand. */
const inbox: (Uint8Array | 'end')[] = [];
const free: ArrayBuffer[] = [];
const window = { credits: 0 };
const stop = new AbortController();
let wake: () => void = () => undefined;

onMessages<ToThread>(port, (message) => {
  if (message.kind === 'job') void run(message.job);
  else if (message.kind === 'input') inbox.push(message.bytes);
  else if (message.kind === 'end') inbox.push('end');
  else if (message.kind === 'stop') stop.abort();
  else {
    window.credits++;
    if (message.buffer !== undefined) free.push(message.buffer);
  }
  wake();
});

async function run(job: DecodeJob): Promise<void> {
  window.credits = OUTPUT_WINDOW;
  let blob: Expected | undefined;
  try {
    for await (const bytes of decodeBlob(input(), job, { allocate, signal: stop.signal, onBlob: (found) => (blob = found) })) {
      while (window.credits === 0) await woken();
      window.credits--;
      post({ kind: 'output', bytes }, owned(bytes) ? [bytes.buffer as ArrayBuffer] : []);
    }
    post({ kind: 'done', ...(blob && { blob }) });
  } catch (error) {
    post({ kind: 'failed', error: describeError(error) });
  }
}

async function* input(): AsyncGenerator<Uint8Array, void> {
  for (let i = 0; i < INPUT_WINDOW; i++) post({ kind: 'want' });
  for (;;) {
    const bytes = inbox.shift();
    if (bytes === 'end') return;
    if (bytes === undefined) await woken();
    else {
      yield bytes;
      post({ kind: 'want' });
    }
  }
}

function woken(): Promise<void> {
  return new Promise((resolve) => {
    wake = resolve;
  });
}

/** Buffers that came back are filled again: fresh memory costs nearly as much as decompressing into it. */
function allocate(size: number): Uint8Array<ArrayBuffer> {
  const buffer = free.pop();
  if (buffer !== undefined && buffer.byteLength >= size) return new Uint8Array(buffer);
  return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
}

/** Whether the bytes have an ArrayBuffer that may go to another thread. Those of a layer without compression are as they came. */
function owned({ buffer, byteOffset }: Uint8Array): boolean {
  return byteOffset === 0 && buffer instanceof ArrayBuffer && !buffer.resizable;
}

function post(message: FromThread, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}
