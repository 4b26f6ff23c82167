/**
 * Entry of a worker thread: does layers, or halves of layers. Chunks come and go through message ports; the
 * answer to a request is one message. What a role needs is loaded with its first request.
 */
import { describeError, onMessages } from '@cfskit/linux';
import type { PlainError } from '@cfskit/linux';
import type { LocalObjectStoreOptions } from '@cfskit/repository';
import { parentPort } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { feedChannel, receiveChunks } from './chunk-channel.ts';
import type { DecodeJob } from './decode-layer.ts';
import { reusedMemory } from './reused-memory.ts';
import type { StoreJob } from './store-layer.ts';

/** Decode what arrives at `input` and send it on to `output`. */
export interface DecodeRequest {
  readonly role: 'decode';
  readonly decode: DecodeJob;
  readonly input: MessagePort;
  readonly output: MessagePort;
}

/** Store the decoded bytes that arrive at `input`; the answer is a StoredLayer. */
export interface StoreRequest {
  readonly role: 'store';
  readonly store: StoreJob;
  readonly objects: LocalObjectStoreOptions;
  readonly input: MessagePort;
}

/** Both in one thread. */
export interface WholeRequest {
  readonly role: 'whole';
  readonly decode: DecodeJob;
  readonly store: StoreJob;
  readonly objects: LocalObjectStoreOptions;
  readonly input: MessagePort;
}

/** What a worker can be asked. */
export type WorkerRequest = DecodeRequest | StoreRequest | WholeRequest;

/** The one answer to the request with that number. */
export type WorkerReply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: PlainError };

onMessages<{ readonly id: number; readonly request: WorkerRequest }>(parentPort, ({ id, request }) => {
  void reply(id, request);
});

async function reply(id: number, request: WorkerRequest): Promise<void> {
  const answer: WorkerReply = await serve(request).then(
    (value) => ({ id, ok: true, value }),
    (error: unknown) => ({ id, ok: false, error: describeError(error) }),
  );
  parentPort?.postMessage(answer, []);
}

async function serve(request: WorkerRequest): Promise<unknown> {
  const chunks = receiveChunks(request.input);
  switch (request.role) {
    case 'decode':
      return decode(request, chunks);
    case 'store': {
      const { storeLayerIn } = await import('./store-layer.ts');
      return storeLayerIn(request.objects, chunks, request.store);
    }
    default: {
      const [{ decodeLayer }, { storeLayerIn }] = await Promise.all([import('./decode-layer.ts'), import('./store-layer.ts')]);
      return storeLayerIn(request.objects, decodeLayer(chunks, request.decode, { allocate: reusedMemory() }), request.store);
    }
  }
}

async function decode({ decode: job, output }: DecodeRequest, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const { decodeLayer } = await import('./decode-layer.ts');
  await feedChannel((allocate) => decodeLayer(chunks, job, { allocate }), output);
}
