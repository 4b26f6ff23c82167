import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { describeError, formatErrorText } from './error-report.ts';
import { InterruptedError, OutputClosedError } from './errors.ts';
import { exitCodes } from './exit-code.ts';
import type { Program } from './program.ts';
import { runProgram } from './run-program.ts';
import type { DiagnosticStream, InputStream, ResultStream, World } from './world.ts';

/** How long a command may take to clean up after a signal. */
const CLEAN_UP_MS = 1500;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const CLOSED_CODES: ReadonlySet<unknown> = new Set(['EPIPE', 'ERR_STREAM_DESTROYED', 'ECONNRESET']);

/**
 * Run the program with this process's arguments, streams and signals, and end the process with its exit code. What goes wrong outside
 * of the command's own doing (an event nobody listens to) is told like any error, without a stack.
 */
export async function main(program: Program): Promise<never> {
  process.on('uncaughtException', (error) => {
    process.stderr.write(formatErrorText(program.name, describeError(error, { knownCodes: program.errorCodes ?? new Set() })));
    process.exit(exitCodes.failed);
  });
  const code = await runProgram(program, process.argv.slice(2), processWorld());
  process.exit(code);
}

/** The real world: this process. Call it once; it takes over the signals and the error events of the streams. */
export function processWorld(): World {
  return {
    stdin: processInput(),
    stdout: resultStream(process.stdout, isatty(1)),
    stderr: diagnosticStream(process.stderr, isatty(2)),
    env: process.env,
    get cwd(): string {
      return process.cwd();
    },
    userId: process.getuid?.(),
    signal: signalsOfProcess(),
    now: () => performance.now(),
    atExit(restore) {
      process.on('exit', restore);
      return () => process.off('exit', restore);
    },
  };
}

/** The first signal aborts and gives the command a moment to clean up; a second one ends the program at once. */
function signalsOfProcess(): AbortSignal {
  const controller = new AbortController();
  for (const name of SIGNALS) {
    const number = constants.signals[name];
    process.on(name, () => {
      if (controller.signal.aborted) void endNow(128 + number);
      controller.abort(new InterruptedError(name, number));
      setTimeout(() => void endNow(128 + number), CLEAN_UP_MS).unref();
    });
  }
  return controller.signal;
}

/** Threads may be at work, and `process.exit` would crash those that are in native code. Loaded when it is needed. */
async function endNow(code: number): Promise<never> {
  const { endProcess } = await import('@cfskit/linux');
  return endProcess(code);
}

function resultStream(stream: NodeJS.WriteStream, isTerminal: boolean): ResultStream {
  stream.on('error', ignore); // reported by the write that failed
  return {
    isTerminal,
    get columns(): number {
      return orDefault(stream.columns, 80);
    },
    write: (data) =>
      new Promise((resolve, reject) => {
        stream.write(data, (error) => {
          if (error === null || error === undefined) resolve();
          else reject('code' in error && CLOSED_CODES.has(error.code) ? new OutputClosedError({ cause: error }) : error);
        });
      }),
  };
}

function diagnosticStream(stream: NodeJS.WriteStream, isTerminal: boolean): DiagnosticStream {
  stream.on('error', ignore);
  return {
    isTerminal,
    get columns(): number {
      return orDefault(stream.columns, 80);
    },
    get rows(): number {
      return orDefault(stream.rows, 24);
    },
    write: (text) => void stream.write(text),
  };
}

function processInput(): InputStream {
  return {
    get isTerminal(): boolean {
      return isatty(0);
    },
    async *chunks(signal) {
      const stdin = process.stdin;
      const abort = (): void => void stdin.destroy(signal.reason as Error);
      signal.throwIfAborted();
      signal.addEventListener('abort', abort, { once: true });
      try {
        for await (const chunk of stdin) yield chunk as Uint8Array;
      } finally {
        signal.removeEventListener('abort', abort);
      }
    },
  };
}

/** A terminal may not know its size and say 0. */
function orDefault(size: number | undefined, usual: number): number {
  return size === undefined || size < 1 ? usual : size;
}

function ignore(): void {}
