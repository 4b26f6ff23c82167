/** Where results go. Writes are awaited, so a slow reader slows the command down and nothing piles up. */
export interface ResultStream {
  readonly isTerminal: boolean;
  /** Width of the terminal; meaningless elsewhere. */
  readonly columns: number;
  /** @throws {OutputClosedError} when the reader has gone. */
  write(data: string | Uint8Array): Promise<void>;
}

/** Where progress, warnings and errors go. Never fails and never waits. */
export interface DiagnosticStream {
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
}

/** Standard input. */
export interface InputStream {
  readonly isTerminal: boolean;
  /** The bytes to the end; ends with an error when `signal` fires. Only one reader. */
  chunks(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/**
 * Everything outside that a command may touch besides the file system.
 *
 * Programs get it from `processWorld()`, tests make their own, so that a test of a command spawns nothing.
 */
export interface World {
  readonly stdin: InputStream;
  readonly stdout: ResultStream;
  readonly stderr: DiagnosticStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Numeric user id; undefined where there are none (Windows). */
  readonly userId: number | undefined;
  /** Fires on SIGINT, SIGTERM and SIGHUP with an `InterruptedError` as its reason. */
  readonly signal: AbortSignal;
  /** Milliseconds of a clock that never runs backwards. */
  now(): number;
  /** Runs `restore` at the very end of the process, however it ends; the answer takes it back. */
  atExit(restore: () => void): () => void;
}
