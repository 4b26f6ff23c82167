import type { ProgressEvent } from './event.ts';

/** Takes events, at once and in order. Work does not wait for it; if it may throw, wrap it in {@link safeReporter}. */
export interface Reporter {
  report(event: ProgressEvent): void;
}

/** Forgets everything: the reporter of those who asked for none. */
export const nullReporter: Reporter = { report: () => undefined };

/** A reporter that keeps every event, for tests. */
export interface CollectingReporter extends Reporter {
  readonly events: readonly ProgressEvent[];
}

/** Keep all events, in the order they came. */
export function collectingReporter(): CollectingReporter {
  const events: ProgressEvent[] = [];
  return { events, report: (event) => void events.push(event) };
}

/**
 * Shield work from a reporter that throws, such as one that writes to a closed pipe.
 *
 * @param onError told of the first error; later ones are dropped
 */
export function safeReporter(reporter: Reporter, onError?: (error: unknown) => void): Reporter {
  let failed = false;
  return {
    report(event) {
      try {
        reporter.report(event);
      } catch (error) {
        if (!failed) onError?.(error);
        failed = true;
      }
    },
  };
}
