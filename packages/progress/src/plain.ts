import type { Clock } from './coalesce.ts';
import type { CompletedEvent, DoneEvent, PlanEvent, ProgressEvent, StartedEvent, Unit } from './event.ts';
import { formatBytes, formatComponent, formatDuration, printable } from './format.ts';
import type { Reporter } from './reporter.ts';
import { Tally } from './tally.ts';

const TOTAL_INTERVAL_MS = 10_000;

/**
 * Lines for logs and pipes: one when a component starts and one when it ends, and a total at most every ten seconds, written when an
 * event comes. No carriage returns and no escape sequences, whatever the events hold.
 *
 * @param write takes whole lines with their newline
 */
export function plainRenderer(write: (text: string) => void, clock: Clock): Reporter {
  const tally = new Tally();
  const startedAt = new Map<string, number>();
  const begin = clock();
  let totalAt = begin;

  function line(event: ProgressEvent, now: number): string | undefined {
    switch (event.type) {
      case 'plan':
        return planLine(event);
      case 'started':
        startedAt.set(event.id, now);
        return startedLine(event);
      case 'progress':
        return undefined;
      case 'skipped':
        return `${formatComponent(event.id)}: already present`;
      case 'done':
        return doneLine(event, tally.component(event.id)?.unit ?? 'bytes', now - (startedAt.get(event.id) ?? now));
      case 'message':
        return printable(event.text);
      default:
        return completedLine(event, now - begin);
    }
  }

  return {
    report(event) {
      const now = clock();
      tally.apply(event);
      const text = line(event, now);
      if (text !== undefined) write(`${text}\n`);
      if (event.type === 'completed' || now - totalAt < TOTAL_INTERVAL_MS) return;
      totalAt = now;
      write(`${totalLine(tally)}\n`);
    },
  };
}

function planLine({ components, bytesTotal, bytesPresent }: PlanEvent): string {
  const present = bytesPresent > 0 ? `, ${formatBytes(bytesPresent)} already present` : '';
  return `${components} components, ${formatBytes(bytesTotal)}${present}`;
}

function startedLine({ id, total, unit }: StartedEvent): string {
  return `${formatComponent(id)}: started${total === undefined ? '' : `, ${amount(total, unit)}`}`;
}

function doneLine({ id, transferred }: DoneEvent, unit: Unit, milliseconds: number): string {
  return `${formatComponent(id)}: ${amount(transferred, unit)} in ${formatDuration(milliseconds)}`;
}

function completedLine({ stats }: CompletedEvent, milliseconds: number): string {
  return `completed in ${formatDuration(milliseconds)}: ${printable(stats)}`;
}

function totalLine(tally: Tally): string {
  const { bytes, bytesTotal, finished, planned } = tally;
  const share = bytesTotal === undefined || bytesTotal === 0 ? '' : ` (${Math.floor((100 * bytes) / bytesTotal)}%)`;
  const of = bytesTotal === undefined ? '' : ` of ${formatBytes(bytesTotal)}`;
  return `total: ${formatBytes(bytes)}${of}${share}, ${finished} of ${planned} components`;
}

function amount(count: number, unit: Unit): string {
  return unit === 'bytes' ? formatBytes(count) : `${count} ${count === 1 ? 'item' : 'items'}`;
}
