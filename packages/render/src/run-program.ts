import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { hasCode, RenderError } from './errors.ts';
import { Tail } from './tail.ts';

/** How a program ended: its status, or the signal that ended it. */
export type ExitStatus = number | NodeJS.Signals;

/** What is kept of what a program says. */
const WORDS = 64 * 1024;

/** Pauses while another process still has the program file open for writing, in milliseconds. */
const BUSY_PAUSES = [5, 10, 15, 20, 25];

/** A program that is fed through its standard input. What it says is read all the time, so that it never waits for us to listen. */
export class FedProgram {
  readonly #name: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #stdout = new Tail(WORDS);
  readonly #stderr = new Tail(WORDS);
  readonly #ended: Promise<ExitStatus>;
  #status: ExitStatus | undefined;

  constructor(name: string, child: ChildProcessWithoutNullStreams) {
    this.#name = name;
    this.#child = child;
    child.stdout.on('data', (bytes: Buffer) => this.#stdout.add(bytes));
    child.stderr.on('data', (bytes: Buffer) => this.#stderr.add(bytes));
    child.stdin.on('error', () => undefined); // told by the write that fails
    this.#ended = once(child, 'close').then(([code, signal]) => (this.#status = (code ?? signal) as ExitStatus));
  }

  /** How it ended; nothing while it runs. */
  get status(): ExitStatus | undefined {
    return this.#status;
  }

  /**
   * Resolves when the program has the bytes.
   *
   * @throws {RenderError} PROGRAM_FAILED if it has ended
   */
  async write(pieces: readonly Uint8Array[]): Promise<void> {
    const { stdin } = this.#child;
    try {
      await new Promise<void>((resolve, reject) => {
        stdin.cork();
        pieces.forEach((piece, i) => {
          stdin.write(piece, i < pieces.length - 1 ? undefined : (error) => (error ? reject(error) : resolve()));
        });
        stdin.uncork();
        if (pieces.length === 0) resolve();
      });
    } catch (cause) {
      await this.#ended;
      throw this.failure({ cause });
    }
  }

  /** No more bytes; wait for the end. @throws {RenderError} PROGRAM_FAILED unless it ended well */
  async finish(): Promise<void> {
    this.#child.stdin.end();
    if ((await this.#ended) !== 0) throw this.failure();
  }

  /** End it, if it has not ended. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    this.#child.stdin.destroy();
    await this.#ended;
  }

  /** The error for how it ended, with the last it said. */
  failure(options: ErrorOptions = {}): RenderError {
    const words = [this.#stderr.text(), this.#stdout.text()].filter((text) => text !== '').join('\n');
    const how = this.#status === 0 ? 'ended before it had read everything' : `ended with ${this.#status}`;
    return new RenderError('PROGRAM_FAILED', `${this.#name} ${how}${words === '' ? '' : `: ${words}`}`, options);
  }
}

/**
 * Start a program that is fed.
 *
 * @throws {RenderError} PROGRAM_MISSING; other errors are the system's own
 */
export async function startProgram(program: string, args: readonly string[], options: { env?: NodeJS.ProcessEnv }): Promise<FedProgram> {
  const child = await spawned(program, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
  return new FedProgram(nameOf(program), child as ChildProcessWithoutNullStreams);
}

/**
 * What a program says when it is run without input, whatever its status.
 *
 * @throws {RenderError} PROGRAM_MISSING; other errors are the system's own
 */
export async function outputOf(program: string, args: readonly string[]): Promise<string> {
  const child = await spawned(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: PROBE_TIMEOUT_MS });
  const words = new Tail(WORDS);
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (bytes: Buffer) => words.add(bytes));
  await once(child, 'close');
  return words.text();
}

const PROBE_TIMEOUT_MS = 10_000;

async function spawned(program: string, args: readonly string[], options: SpawnOptions): Promise<ChildProcess> {
  for (const pause of [...BUSY_PAUSES, undefined]) {
    try {
      const child = spawn(program, args, options);
      await once(child, 'spawn');
      return child;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) throw missing(program, error);
      if (pause === undefined || !hasCode(error, 'ETXTBSY')) throw error;
      await delay(pause);
    }
  }
  throw new TypeError('unreachable');
}

function missing(program: string, cause: unknown): RenderError {
  return new RenderError('PROGRAM_MISSING', `${nameOf(program)} not found at ${program} — is squashfs-tools installed?`, {
    path: program,
    cause,
  });
}

function nameOf(program: string): string {
  return program.slice(program.lastIndexOf('/') + 1);
}
