import { formatBytes, formatComponent, formatDuration, Tally, type ComponentState, type ProgressEvent } from '@cfskit/progress';
import type { createLogUpdate } from 'log-update';
import { printable } from './printable.ts';
import type { ProgressDisplay } from './progress-display.ts';
import type { World } from './world.ts';

const REDRAW_MS = 100;
const BAR_WIDTH = 24;
const HIDE_CURSOR = '\u001B[?25l';
const SHOW_CURSOR = '\u001B[?25h';

/**
 * Progress on a terminal: a line for each running component and a total below them. What is finished leaves one plain line.
 *
 * Draws at most ten times a second, from a timer, so that reporting costs next to nothing. The library that moves the cursor is
 * loaded with the first event; commands that report none do not pay for it.
 */
export function createBars(world: Pick<World, 'stderr' | 'now' | 'atExit'>): ProgressDisplay {
  const bars = new Bars(world);
  return {
    reporter: { report: (event) => bars.report(event) },
    line: (text) => bars.line(text),
    close: () => bars.close(),
  };
}

class Bars {
  readonly #world: Pick<World, 'stderr' | 'now' | 'atExit'>;
  readonly #tally = new Tally();
  readonly #startedAt = new Map<string, number>();
  readonly #begin: number;
  readonly #lines: string[] = [];
  #screen: ReturnType<typeof createLogUpdate> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #releaseCursor: (() => void) | undefined;
  #state: 'idle' | 'loading' | 'drawing' | 'closed' = 'idle';

  constructor(world: Pick<World, 'stderr' | 'now' | 'atExit'>) {
    this.#world = world;
    this.#begin = world.now();
  }

  report(event: ProgressEvent): void {
    this.#tally.apply(event);
    if (event.type === 'started') this.#startedAt.set(event.id, this.#world.now());
    const line = this.#lastingLine(event);
    if (line !== undefined) this.#lines.push(line);
    this.#wake();
  }

  line(text: string): void {
    this.#lines.push(text);
    if (this.#state === 'drawing') this.#draw();
    else if (this.#state !== 'loading') this.#flushLines();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#screen?.clear();
    this.#flushLines();
    this.#releaseCursor?.();
    this.#releaseCursor = undefined;
    this.#screen = undefined;
    this.#state = 'closed';
  }

  #wake(): void {
    if (this.#state === 'closed') this.#flushLines();
    if (this.#state === 'idle') void this.#load();
    if (this.#state === 'drawing') this.#timer ??= setTimeout(() => this.#draw(), REDRAW_MS).unref();
  }

  async #load(): Promise<void> {
    this.#state = 'loading';
    const library = await import('log-update');
    if (this.#closed()) return;
    this.#state = 'drawing';
    this.#screen = library.createLogUpdate(this.#stream(), { showCursor: true }); // it would hide the cursor of another stream
    const show = (): void => this.#world.stderr.write(SHOW_CURSOR);
    const forget = this.#world.atExit(show);
    this.#releaseCursor = (): void => {
      forget();
      show();
    };
    this.#world.stderr.write(HIDE_CURSOR);
    this.#draw();
  }

  #closed(): boolean {
    return this.#state === 'closed';
  }

  #draw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { columns, rows } = this.#world.stderr;
    const lasting = this.#lines.splice(0);
    if (lasting.length > 0) this.#screen?.persist(lasting.join('\n'));
    this.#screen?.(frameLines(this.#tally, { columns, rows, elapsedMs: this.#world.now() - this.#begin }).join('\n'));
  }

  #flushLines(): void {
    for (const line of this.#lines.splice(0)) this.#world.stderr.write(`${line}\n`);
  }

  #lastingLine(event: ProgressEvent): string | undefined {
    switch (event.type) {
      case 'done':
        return doneLine(this.#tally.component(event.id), event, this.#world.now() - (this.#startedAt.get(event.id) ?? this.#begin));
      case 'skipped':
        return `${formatComponent(event.id)} already present`;
      case 'message':
        return printable(event.text);
      default:
        return undefined;
    }
  }

  /** The terminal as the library wants it: a stream of which it uses four members. */
  #stream(): NodeJS.WritableStream {
    const { stderr } = this.#world;
    const stream = {
      isTTY: true,
      get columns(): number {
        return stderr.columns;
      },
      get rows(): number {
        return stderr.rows;
      },
      write: (text: string): boolean => {
        stderr.write(text);
        return true;
      },
    };
    return stream as unknown as NodeJS.WritableStream;
  }
}

/** The lines that are drawn over and over: the running components as far as they fit, then the total. */
export function frameLines(
  tally: Tally,
  screen: { readonly columns: number; readonly rows: number; readonly elapsedMs: number },
): string[] {
  const running = tally.components.filter(({ state }) => state === 'running');
  const shown = running.slice(0, Math.max(1, screen.rows - 3));
  const lines = shown.map((component) => componentLine(component));
  if (shown.length < running.length) lines.push(`… and ${running.length - shown.length} more`);
  lines.push(totalLine(tally, screen.elapsedMs));
  return lines.map((line) =>
    Array.from(line)
      .slice(0, Math.max(1, screen.columns - 1))
      .join(''),
  );
}

function componentLine({ id, fetched, total, unit }: ComponentState): string {
  const amount = unit === 'bytes' ? formatBytes : String;
  const of = total === undefined ? '' : ` of ${amount(total)}`;
  return `${formatComponent(id).padEnd(18)} ${bar(fetched, total)} ${amount(fetched)}${of}`;
}

function totalLine(tally: Tally, elapsedMs: number): string {
  const { bytes, bytesTotal, finished, planned } = tally;
  const of = bytesTotal === undefined ? '' : ` of ${formatBytes(bytesTotal)}`;
  return `${'total'.padEnd(18)} ${bar(bytes, bytesTotal)} ${formatBytes(bytes)}${of}, ${finished} of ${planned} components, ${formatDuration(elapsedMs)}`;
}

function bar(done: number, total: number | undefined): string {
  if (total === undefined) return `[${' '.repeat(BAR_WIDTH)}]`;
  const full = total === 0 ? BAR_WIDTH : Math.min(BAR_WIDTH, Math.floor((BAR_WIDTH * done) / total));
  return `[${'#'.repeat(full)}${' '.repeat(BAR_WIDTH - full)}]`;
}

function doneLine(
  component: ComponentState | undefined,
  event: { readonly id: string; readonly transferred: number },
  elapsedMs: number,
): string {
  const amount = component?.unit === 'items' ? `${event.transferred} items` : formatBytes(event.transferred);
  return `${formatComponent(event.id)} ${amount} ${formatDuration(elapsedMs)}`;
}
