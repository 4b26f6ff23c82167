import type { Paint } from './color.ts';
import { UsageError } from './errors.ts';
import { printable } from './printable.ts';

/** How much is said, from least to most. */
const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'trace'] as const;
/** How much is said: one of these, or nothing at all. */
export type LogLevel = 'off' | (typeof LOG_LEVELS)[number];

/** Diagnostics of a command. One line each; control characters in `text` are escaped. */
export interface Log {
  warn(text: string): void;
  info(text: string): void;
  debug(text: string): void;
}

/** What decides the log level. */
export interface LogChoice {
  readonly log: LogLevel | undefined;
  readonly verbose: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The level from `--log`, else `-v`, else `CFSKIT_LOG`, else `RUST_LOG` where that is a plain level, else `warn`.
 *
 * @throws {UsageError} if `CFSKIT_LOG` is what decides and is no level
 */
export function chooseLogLevel({ log, verbose, env }: LogChoice): LogLevel {
  if (log !== undefined) return log;
  if (verbose > 0) return verbose > 1 ? 'debug' : 'info';
  return ownLevel(env['CFSKIT_LOG']) ?? parseLevel(env['RUST_LOG']) ?? 'warn';
}

/** A log that hands lines of at most this level to `write`. */
export function createLog(level: LogLevel, write: (line: string) => void, program: string, paint: Paint): Log {
  const at = (wanted: (typeof LOG_LEVELS)[number], label: string, prefix = program) => {
    const enabled = LOG_LEVELS.indexOf(wanted) <= LOG_LEVELS.findIndex((name) => name === level);
    return (text: string): void => {
      if (enabled) write(`${prefix}: ${label}${printable(text)}`);
    };
  };
  return { warn: at('warn', 'warning: ', paint('yellow', program)), info: at('info', ''), debug: at('debug', 'debug: ') };
}

function ownLevel(text = ''): LogLevel | undefined {
  const level = parseLevel(text);
  if (level !== undefined || text === '') return level;
  throw new UsageError(`CFSKIT_LOG: wanted off, ${LOG_LEVELS.slice(0, -1).join(', ')} or ${LOG_LEVELS.at(-1)}, found '${text}'`);
}

function parseLevel(text: string | undefined): LogLevel | undefined {
  const name = text?.toLowerCase();
  return name === 'off' ? 'off' : LOG_LEVELS.find((level) => level === name);
}
