import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Tally, type ProgressEvent } from '../src/index.ts';

function tallyOf(...events: readonly ProgressEvent[]): Tally {
  const tally = new Tally();
  for (const event of events) tally.apply(event);
  return tally;
}

describe('Tally', () => {
  it('adds up what was planned, fetched and present', () => {
    const tally = tallyOf(
      { type: 'plan', components: 4, bytesTotal: 100, bytesPresent: 40 },
      { type: 'skipped', id: 'a' },
      { type: 'started', id: 'b', total: 30, unit: 'bytes' },
      { type: 'progress', id: 'b', fetched: 10 },
      { type: 'started', id: 'c', total: 30, unit: 'bytes' },
      { type: 'done', id: 'c', transferred: 30 },
      { type: 'started', id: 'image', total: 5, unit: 'items' },
      { type: 'progress', id: 'image', fetched: 2, total: 6 },
    );
    expect([tally.bytes, tally.bytesTotal, tally.finished, tally.planned]).toEqual([80, 100, 2, 4]);
    expect(tally.component('image')).toEqual({ id: 'image', state: 'running', unit: 'items', fetched: 2, total: 6 });
    expect(tally.components.map(({ id, state }) => `${id} ${state}`)).toEqual(['a skipped', 'b running', 'c done', 'image running']);
  });
  it('does without a plan', () => {
    const tally = tallyOf({ type: 'message', text: 'x' }, { type: 'progress', id: 'b', fetched: 10 });
    expect([tally.bytes, tally.bytesTotal, tally.finished, tally.planned]).toEqual([10, undefined, 0, 1]);
  });
  it('lets a plan that was too small grow', () => {
    const tally = tallyOf({ type: 'plan', components: 1, bytesTotal: 5, bytesPresent: 0 }, { type: 'done', id: 'b', transferred: 10 });
    expect([tally.bytes, tally.bytesTotal]).toEqual([10, 10]);
  });
  it('never runs backwards, even when a component starts again', () => {
    const id = fc.constantFrom('a', 'b');
    const event: fc.Arbitrary<ProgressEvent> = fc.oneof(
      fc.record({ type: fc.constant('started' as const), id, unit: fc.constant('bytes' as const) }),
      fc.record({ type: fc.constant('progress' as const), id, fetched: fc.nat(50) }),
      fc.record({ type: fc.constant('skipped' as const), id }),
      fc.record({ type: fc.constant('done' as const), id, transferred: fc.nat(50) }),
    );
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const tally = new Tally();
        const sums = events.map((next) => {
          tally.apply(next);
          return tally.bytes;
        });
        expect(sums).toEqual(sums.toSorted((a, b) => a - b));
        expect(tally.bytes).toBe(tally.components.reduce((sum, component) => sum + component.fetched, 0));
      }),
    );
  });
});
