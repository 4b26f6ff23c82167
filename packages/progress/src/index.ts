export { coalescing } from './coalesce.ts';
export { countingStream } from './counting-stream.ts';
export { formatBytes, formatComponent, formatDuration, printable } from './format.ts';
export { jsonLinesRenderer, progressToJson } from './json-lines.ts';
export { plainRenderer } from './plain.ts';
export { collectingReporter, nullReporter, safeReporter } from './reporter.ts';
export { Tally } from './tally.ts';

export type { Clock, CoalesceOptions, CoalescingReporter } from './coalesce.ts';
export type {
  CompletedEvent,
  DoneEvent,
  FetchedEvent,
  MessageEvent,
  PlanEvent,
  ProgressEvent,
  SkippedEvent,
  StartedEvent,
  Unit,
} from './event.ts';
export type { CollectingReporter, Reporter } from './reporter.ts';
export type { ComponentState } from './tally.ts';
