import type { Reporter } from '@cfskit/progress';
import { batchLines, heldBack } from './batch.ts';
import { choosePaint } from './color.ts';
import { dataTarget, type DataTarget, type DataTargetOptions } from './data-target.ts';
import type { GlobalValues } from './global-options.ts';
import { jsonPieces } from './json.ts';
import { chooseLogLevel, createLog, type Log, type LogLevel } from './log.ts';
import { createProgressDisplay, type ProgressDisplay } from './progress-display.ts';
import { progressMode } from './progress-mode.ts';
import { formatBoxTable, formatPlainTable, type Table } from './table.ts';
import type { World } from './world.ts';

/**
 * A result in both forms. Only the one asked for is computed.
 *
 * An iterable in the JSON form that is no array becomes a list whose items are written as they come, so that a long one is never in memory.
 * When it fails, nothing has been written, unless the document is a long one: that one is cut off, so that nobody takes it for complete.
 */
export interface Result {
  readonly json: () => unknown;
  readonly text: () => Iterable<string> | AsyncIterable<string> | Promise<Iterable<string>>;
}

/** What a command is handed: the outside world, and the ways to say something. */
export interface CommandContext {
  readonly world: World;
  /** Fires when the program is to end. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Where progress goes, in the mode asked for. */
  readonly reporter: Reporter;
  /** Print the result on standard output: JSON with `--json`, else lines of text. Progress ends here. */
  print(result: Result): Promise<void>;
  /** The lines of a table: with a box on a terminal, else plain. */
  table(table: Table): Promise<string[]>;
  /** Print bytes or text that have only this form (`--manifest`, `-0`). Progress ends here. */
  printRaw(chunks: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>): Promise<void>;
  /**
   * Where data goes: FILE or standard output.
   *
   * @throws {UsageError} binary data for a terminal; data on standard output together with `--json`
   */
  dataTarget(output: string | undefined, options: Pick<DataTargetOptions, 'binary'>): DataTarget;
}

/** A context with what the program itself needs of it. */
export interface Session {
  readonly context: CommandContext;
  /** Take progress off the screen and say what is still to be said. */
  close(): void;
  /** Whether standard output carried data that somebody needs whole. */
  readonly dataCounts: boolean;
}

/** Characters of JSON that are kept until it is sure that the rest comes too. */
const HELD_BACK = 4 * 1024 * 1024;

/** Set up what one run of one command needs. */
export function createSession(program: string, values: GlobalValues, world: World): Session {
  const mode = progressMode(values, world);
  const display = createProgressDisplay(mode, world);
  const state = { dataCounts: false };
  const context: CommandContext = {
    world,
    signal: world.signal,
    log: createLog(logLevel(values, world, mode), (line) => display.line(line), program, choosePaint(values.color, world)),
    reporter: display.reporter,
    print: (result) => print(result, values.json, world, display),
    table: (table) => (world.stdout.isTerminal ? formatBoxTable(table) : Promise.resolve(formatPlainTable(table))),
    async printRaw(chunks) {
      display.close();
      for await (const chunk of chunks) await world.stdout.write(chunk);
    },
    dataTarget(output, options) {
      const target = dataTarget(output, { ...options, json: values.json, world });
      if (target.toStdout && options.binary) state.dataCounts = true;
      return target;
    },
  };
  return {
    context,
    close: () => display.close(),
    get dataCounts(): boolean {
      return state.dataCounts;
    },
  };
}

async function print(result: Result, json: boolean, world: World, display: ProgressDisplay): Promise<void> {
  if (json) {
    const pieces = jsonPieces(await result.json(), { indent: world.stdout.isTerminal });
    display.close();
    for await (const text of heldBack(batchLines(pieces, ''), HELD_BACK)) await world.stdout.write(text);
    return;
  }
  const lines = await result.text();
  display.close();
  for await (const text of batchLines(lines)) await world.stdout.write(text);
}

/** `-q` means errors only, unless diagnostics were asked for by name. */
function logLevel(values: GlobalValues, world: World, mode: string): LogLevel {
  const asked = values.log !== undefined || values.verbose > 0;
  return mode === 'none' && !asked ? 'error' : chooseLogLevel({ log: values.log, verbose: values.verbose, env: world.env });
}
