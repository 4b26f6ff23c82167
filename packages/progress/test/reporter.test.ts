import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coalescing, collectingReporter, countingStream, nullReporter, safeReporter, type ProgressEvent } from '../src/index.ts';

const fetched = (id: string, count: number): ProgressEvent => ({ type: 'progress', id, fetched: count });
const started: ProgressEvent = { type: 'started', id: 'a', unit: 'bytes' };
const done: ProgressEvent = { type: 'done', id: 'a', transferred: 9 };

it('nullReporter takes everything', () => {
  expect(() => nullReporter.report(started)).not.toThrow();
});

it('collectingReporter keeps all events in order', () => {
  const reporter = collectingReporter();
  reporter.report(started);
  reporter.report(done);
  expect(reporter.events).toEqual([started, done]);
});

it('safeReporter lets no error out and tells of the first', () => {
  const errors: unknown[] = [];
  let calls = 0;
  const safe = safeReporter(
    {
      report() {
        throw new Error(`call ${++calls}`);
      },
    },
    (error) => errors.push(error),
  );
  safe.report(started);
  safe.report(done);
  expect(errors).toEqual([new Error('call 1')]);
  expect(calls).toBe(2);
});

function atTimes(events: readonly (readonly [time: number, event: ProgressEvent])[]): readonly ProgressEvent[] {
  let now = 0;
  const collected = collectingReporter();
  const reporter = coalescing(collected, { intervalMs: 100, clock: () => now });
  for (const [time, event] of events) {
    now = time;
    reporter.report(event);
  }
  reporter.flush();
  return collected.events;
}

describe('coalescing', () => {
  it('passes the first and the latest of each interval', () => {
    const events = [0, 10, 50, 99, 100, 150, 210].map((time) => [time, fetched('a', time)] as const);
    expect(atTimes(events)).toEqual([0, 100, 210].map((count) => fetched('a', count)));
  });
  it('passes what it held back right before the end', () => {
    const events = [
      [0, started],
      [1, fetched('a', 1)],
      [2, fetched('a', 5)],
      [3, fetched('a', 9)],
      [4, done],
    ] as const;
    expect(atTimes(events)).toEqual([started, fetched('a', 1), fetched('a', 9), done]);
  });
  it('passes what it held back when flushed', () => {
    expect(
      atTimes([
        [0, fetched('a', 1)],
        [1, fetched('a', 2)],
      ]),
    ).toEqual([fetched('a', 1), fetched('a', 2)]);
  });
  it('keeps components apart, and passes other events at once', () => {
    const message: ProgressEvent = { type: 'message', text: 'x' };
    const events = [
      [0, fetched('a', 1)],
      [1, fetched('b', 1)],
      [2, fetched('a', 2)],
      [3, message],
    ] as const;
    expect(atTimes(events)).toEqual([fetched('a', 1), fetched('b', 1), message, fetched('a', 2)]);
  });
  it('has a clock of its own', () => {
    const collected = collectingReporter();
    coalescing(collected).report(fetched('a', 1));
    expect(collected.events).toHaveLength(1);
  });
  it('never reorders a component, and always ends with its last value', () => {
    const step = fc.tuple(fc.nat(60), fc.constantFrom('a', 'b'), fc.nat(5));
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        let time = 0;
        const sums: Record<string, number> = {};
        const events = steps.map(([wait, id, more]) => {
          sums[id] = (sums[id] ?? 0) + more;
          return [(time += wait), fetched(id, sums[id])] as const;
        });
        const passed = atTimes(events);
        for (const id of Object.keys(sums)) {
          const values = passed.flatMap((event) => (event.type === 'progress' && event.id === id ? event.fetched : []));
          expect(values).toEqual(values.toSorted((a, b) => a - b));
          expect(values.at(-1)).toBe(sums[id]);
        }
      }),
    );
  });
});

async function countSizes(sizes: readonly number[], total: number | undefined) {
  async function* source(): AsyncGenerator<Uint8Array> {
    for (const size of sizes) yield await Promise.resolve(new Uint8Array(size));
  }
  const reporter = collectingReporter();
  const passed: number[] = [];
  for await (const chunk of countingStream(source(), 'a', total, reporter)) passed.push(chunk.length);
  expect(passed).toEqual(sizes);
  return reporter.events;
}

describe('countingStream', () => {
  it('counts from the start', async () => {
    expect(await countSizes([3, 0, 4], 7)).toEqual([3, 7].map((size) => ({ type: 'progress', id: 'a', fetched: size, total: 7 })));
  });
  it('reports nothing for nothing, and one byte once', async () => {
    expect(await countSizes([], 0)).toEqual([]);
    expect(await countSizes([0], 0)).toEqual([]);
    expect(await countSizes([1], undefined)).toEqual([{ type: 'progress', id: 'a', fetched: 1 }]);
  });
  it('closes its source when it is left', async () => {
    let closed = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        while (true) yield await Promise.resolve(new Uint8Array(1));
      } finally {
        closed = true;
      }
    }
    for await (const chunk of countingStream(source(), 'a', undefined, nullReporter)) if (chunk.length > 0) break;
    expect(closed).toBe(true);
  });
});
