import { coalescing, jsonLinesRenderer, nullReporter, plainRenderer, safeReporter, type Reporter } from '@cfskit/progress';
import { createBars } from './bars.ts';
import type { ProgressMode } from './progress-mode.ts';
import type { World } from './world.ts';

/** Progress as it is shown, and the only way to standard error while it is. */
export interface ProgressDisplay {
  readonly reporter: Reporter;
  /** Write a line of diagnostics without disturbing what is drawn. */
  line(text: string): void;
  /** Take off what is drawn. Lines may still come, progress is over. Can be called twice. */
  close(): void;
}

/** The display for a mode. Nothing is written before the first event. A reporter of it never throws. */
export function createProgressDisplay(mode: ProgressMode, world: Pick<World, 'stderr' | 'now' | 'atExit'>): ProgressDisplay {
  const display = displayOf(mode, world);
  return { ...display, reporter: safeReporter(display.reporter) };
}

function displayOf(mode: ProgressMode, world: Pick<World, 'stderr' | 'now' | 'atExit'>): ProgressDisplay {
  const write = (text: string): void => world.stderr.write(text);
  const line = (text: string): void => write(`${text}\n`);
  switch (mode) {
    case 'bars':
      return createBars(world);
    case 'plain':
      return { reporter: plainRenderer(write, () => world.now()), line, close: nothing };
    case 'json':
      return jsonDisplay(jsonLinesRenderer(write), world);
    default:
      return { reporter: nullReporter, line, close: nothing };
  }
}

function jsonDisplay(lines: Reporter, world: Pick<World, 'now'>): ProgressDisplay {
  const reporter = coalescing(lines, { intervalMs: 100, clock: () => world.now() });
  return { reporter, line: (text) => lines.report({ type: 'message', text }), close: () => reporter.flush() };
}

function nothing(): void {}
