import type { FetchedEvent, ProgressEvent } from './event.ts';
import type { Reporter } from './reporter.ts';

/** A clock that does not run backwards, in milliseconds. */
export type Clock = () => number;

/** How events are thinned out. */
export interface CoalesceOptions {
  /** Shortest time between two `progress` events of one component; 100 ms if not said. */
  readonly intervalMs?: number;
  /** `performance.now` if not said. */
  readonly clock?: Clock;
}

/** A reporter that may hold back a value. */
export interface CoalescingReporter extends Reporter {
  /** Pass on the values held back, for an operation that ends without `done`. */
  flush(): void;
}

/**
 * Pass on at most one `progress` event per component and interval: the first, then the latest, and always the last one, right before
 * the component's `done` or `skipped`. All other events pass at once. Sets no timer.
 */
export function coalescing(reporter: Reporter, { intervalMs = 100, clock = monotonic }: CoalesceOptions = {}): CoalescingReporter {
  const components = new Map<string, { sentAt: number; held?: FetchedEvent }>();

  function reportFetched(event: FetchedEvent): void {
    const now = clock();
    const component = components.get(event.id);
    if (component !== undefined && now - component.sentAt < intervalMs) {
      component.held = event;
      return;
    }
    components.set(event.id, { sentAt: now });
    reporter.report(event);
  }

  function release(id: string): void {
    const held = components.get(id)?.held;
    components.delete(id);
    if (held !== undefined) reporter.report(held);
  }

  return {
    report(event: ProgressEvent) {
      if (event.type === 'progress') return reportFetched(event);
      if (event.type === 'done' || event.type === 'skipped') release(event.id);
      reporter.report(event);
    },
    flush() {
      for (const id of components.keys()) release(id);
    },
  };
}

function monotonic(): number {
  return performance.now();
}
