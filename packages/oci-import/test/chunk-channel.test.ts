import { describeError, TransferredError } from '@cfskit/linux';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { ChannelCancelled, feedChannel, receiveChunks } from '../src/chunk-channel.ts';
import { reviveWorkerError } from '../src/revive-error.ts';
import { OciImportError } from '../src/index.ts';

/** A stream of so many chunks, each filled with its number; `made` counts them. */
function numbered(count: number): { stream: Parameters<typeof feedChannel>[0]; made: () => number; buffers: Set<ArrayBuffer> } {
  let made = 0;
  const buffers = new Set<ArrayBuffer>();
  return {
    made: () => made,
    buffers,
    stream: async function* (allocate) {
      for (; made < count; made++) {
        const bytes = allocate(1000).subarray(0, 1000).fill(made);
        buffers.add(bytes.buffer);
        yield bytes;
      }
    },
  };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurn();
}

describe('chunks between threads', () => {
  it('arrive in order, whole, and in memory that is used again', async () => {
    const { port1, port2 } = new MessageChannel();
    const { stream, buffers } = numbered(50);
    const feeding = feedChannel(stream, port1);
    const seen: number[] = [];
    for await (const chunk of receiveChunks(port2)) {
      expect(new Set(chunk).size).toBe(1);
      expect(chunk).toHaveLength(1000);
      seen.push(chunk.at(0)!);
    }
    await feeding;
    expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect([...buffers].every((buffer) => buffer.detached)).toBe(true);
  });

  it('wait for a slow reader', async () => {
    const { port1, port2 } = new MessageChannel();
    const { stream, made } = numbered(1000);
    const feeding = feedChannel(stream, port1);
    const reader = receiveChunks(port2);
    await reader.next();
    await settle();
    expect(made()).toBeLessThan(40);
    await reader.return();
    await expect(feeding).rejects.toThrow(ChannelCancelled);
  });

  it('end with the error of the writer, which overtakes what was not read', async () => {
    const { port1, port2 } = new MessageChannel();
    const feeding = feedChannel(async function* (allocate) {
      for (let i = 0; i < 3; i++) yield allocate(1);
      throw new OciImportError('INTEGRITY', 'wrong', { blob: 'x' });
    }, port1);
    const reader = receiveChunks(port2);
    await Promise.all([reader.next(), expect(feeding).rejects.toThrow('wrong')]);
    await settle();
    const error = await reader.next().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TransferredError);
    expect(reviveWorkerError(describeError(error))).toMatchObject({ name: 'OciImportError', code: 'INTEGRITY', context: { blob: 'x' } });
  });

  it('stop at an abort, even while the writer waits', async () => {
    const { port1, port2 } = new MessageChannel();
    const controller = new AbortController();
    const { promise, reject } = Promise.withResolvers<never>();
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason as Error));
    const feeding = feedChannel(
      async function* (allocate) {
        yield allocate(1);
        await promise;
      },
      port1,
      controller.signal,
    );
    const reader = receiveChunks(port2);
    await reader.next();
    setTimeout(() => controller.abort(new Error('enough')), 5);
    await Promise.all([expect(reader.next()).rejects.toThrow('enough'), expect(feeding).rejects.toThrow('enough')]);
  });

  it('a side that goes away is noticed by the other', async () => {
    const one = new MessageChannel();
    const reading = receiveChunks(one.port2).next();
    one.port1.close();
    await expect(reading).rejects.toThrow(ChannelCancelled);
    const other = new MessageChannel();
    const feeding = feedChannel(numbered(1000).stream, other.port1);
    other.port2.close();
    await expect(feeding).rejects.toThrow(ChannelCancelled);
  });
});

describe('errors between threads', () => {
  it('keep class, code, fields, stack and causes', () => {
    const cause = Object.assign(new Error('no space'), { code: 'ENOSPC', errno: -28 });
    const error = new OciImportError('LAYER_FAILED', 'failed', { blob: 'sha256:x' }, { cause });
    const revived = reviveWorkerError(structuredClone(describeError(error)));
    expect(revived).toBeInstanceOf(OciImportError);
    expect(revived).toMatchObject({ code: 'LAYER_FAILED', message: 'failed', context: { blob: 'sha256:x' }, stack: error.stack });
    expect(revived.cause).toMatchObject({ name: 'Error', code: 'ENOSPC', errno: -28, message: 'no space' });
  });

  it('that hold what cannot be sent, or are none, arrive as text', () => {
    const odd = Object.assign(new TypeError('odd'), { callback: () => 1 });
    expect(reviveWorkerError(structuredClone(describeError(odd)))).toMatchObject({
      name: 'TypeError',
      callback: expect.stringContaining('=> 1'),
    });
    expect(reviveWorkerError(describeError('just text')).message).toBe('just text');
  });
});
