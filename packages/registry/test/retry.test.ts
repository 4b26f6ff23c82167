import { describe, expect, it } from 'vitest';
import { RegistryError } from '../src/index.ts';
import { parseRetryAfter, Retries, withRetries, type RetryContext, type RetryPolicy } from '../src/retry.ts';
import { failure, testClock, type TestClock } from './support.ts';

function context(policy: RetryPolicy = {}, random = 1): RetryContext & { readonly clock: TestClock; readonly warnings: string[] } {
  const warnings: string[] = [];
  return { policy, clock: testClock(), random: () => random, warnings, onWarning: (text) => void warnings.push(text) };
}

const busy = (retryAfterMs?: number): RegistryError =>
  new RegistryError('TOO_MANY_REQUESTS', 'busy', { status: 429, ...(retryAfterMs !== undefined && { retryAfterMs }) });

describe('withRetries', () => {
  it('waits twice as long each time, and gives up after five tries', async () => {
    const retry = context();
    let count = 0;
    const error = await failure(withRetries(retry, undefined, () => Promise.reject(++count && busy())));
    expect(error.code).toBe('TOO_MANY_REQUESTS');
    expect(count).toBe(5);
    expect(retry.clock.slept).toEqual([500, 1000, 2000, 4000]);
    expect(retry.warnings[0]).toBe('busy; trying again in 0.5 s (2 of 5)');
  });

  it('spreads clients', async () => {
    const retry = context({ attempts: 2 }, 0);
    await failure(withRetries(retry, undefined, () => Promise.reject(busy())));
    expect(retry.clock.slept).toEqual([250]);
  });

  it('waits as long as the registry says, up to a limit', async () => {
    for (const [asked, limit, slept] of [
      [3000, undefined, 3000],
      [3_600_000, undefined, 60_000],
      [3_600_000, 7_200_000, 3_600_000],
    ] as const) {
      const retry = context({ attempts: 2, ...(limit !== undefined && { maxDelayMs: limit }) });
      await failure(withRetries(retry, undefined, () => Promise.reject(busy(asked))));
      expect(retry.clock.slept).toEqual([slept]);
    }
  });

  it.each([
    [408, true],
    [429, true],
    [500, true],
    [502, true],
    [503, true],
    [504, true],
    [400, false],
    [401, false],
    [403, false],
    [404, false],
    [501, false],
  ])('status %i: %s', async (status, again) => {
    let count = 0;
    const work = () => Promise.reject(++count && new RegistryError('UNEXPECTED_STATUS', 'x', { status }));
    await failure(withRetries(context({ attempts: 2 }), undefined, work));
    expect(count).toBe(again ? 2 : 1);
  });

  it('ends a wait when aborted', async () => {
    const controller = new AbortController();
    const retry = { ...context(), onWarning: () => controller.abort(new Error('enough')) };
    const error = await failure(withRetries(retry, controller.signal, () => Promise.reject(busy())));
    expect(error.message).toBe('enough');
  });

  it('passes on what is no fault of a registry', async () => {
    const error = await failure(withRetries(context(), undefined, () => Promise.reject(new TypeError('mine'))));
    expect(error).toBeInstanceOf(TypeError);
  });
});

describe('Retries', () => {
  it('begins to count anew after a mebibyte, but not after a byte', async () => {
    const retries = new Retries(context({ attempts: 2 }), undefined);
    await retries.after(busy());
    retries.progress(1024 * 1024);
    await retries.after(busy());
    retries.progress(1);
    expect((await failure(retries.after(busy()))).code).toBe('TOO_MANY_REQUESTS');
  });
});

describe('parseRetryAfter', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  it.each([
    ['120', 120_000],
    ['0', 0],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Thursday, 01-Jan-26 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 2025 23:59:00 GMT', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%s', (value, expected) => {
    expect(parseRetryAfter(value, now)).toBe(expected);
  });
});
