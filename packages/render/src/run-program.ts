import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { hasCode, RenderError } from './errors.ts';
import { endOf, endOnAbort, endProgram, spawnProgram, type ExitStatus } from './spawn-program.ts';
import { Tail } from './tail.ts';

/** What is kept of what a program says. */
const WORDS = 64 * 1024;

/** A program that is fed through its standard input. What it says is read all the time, so that it never waits for us to listen. */
export class FedProgram {
  readonly #name: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #stdout = new Tail(WORDS);
  readonly #stderr = new Tail(WORDS);
  readonly #ended: Promise<ExitStatus>;
  readonly #signal: AbortSignal | undefined;
  #status: ExitStatus | undefined;

  constructor(name: string, child: ChildProcessWithoutNullStreams, signal?: AbortSignal) {
    this.#name = name;
    this.#child = child;
    this.#signal = signal;
    child.stdout.on('data', (bytes: Buffer) => this.#stdout.add(bytes));
    child.stderr.on('data', (bytes: Buffer) => this.#stderr.add(bytes));
    child.stdin.on('error', () => undefined); // told by the write that fails
    this.#ended = endOf(child).then((status) => (this.#status = status));
    child.stdout.on('error', () => undefined); // the reason why it was ended
    endOnAbort(child, signal);
  }

  /** How it ended; nothing while it runs. */
  get status(): ExitStatus | undefined {
    return this.#status;
  }

  /**
   * Resolves when the program has the bytes.
   *
   * @throws {RenderError} PROGRAM_FAILED if it has ended. The signal's reason
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
      this.#signal?.throwIfAborted();
      throw this.failure({ cause });
    }
    this.#signal?.throwIfAborted();
  }

  /** No more bytes; wait for the end. @throws {RenderError} PROGRAM_FAILED unless it ended well. The signal's reason */
  async finish(): Promise<void> {
    this.#child.stdin.end();
    const status = await this.#ended;
    this.#signal?.throwIfAborted();
    if (status !== 0) throw this.failure();
  }

  /** End it, if it has not ended. */
  async kill(): Promise<void> {
    endProgram(this.#child);
    await this.#ended;
  }

  /** The error for how it ended, with the last it said. */
  failure(options: ErrorOptions = {}): RenderError {
    const words = [this.#stderr.sentence(), this.#stdout.sentence()].filter((text) => text !== '').join('; ');
    const how = this.#status === 0 ? 'ended before it had read everything' : `ended with ${this.#status}`;
    return new RenderError('PROGRAM_FAILED', `${this.#name} ${how}${words === '' ? '' : `: ${words}`}`, options);
  }
}

/** How a program is run. */
export interface ProgramOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Ends the program at once, whatever it is doing. */
  readonly signal?: AbortSignal;
}

/**
 * Start a program that is fed.
 *
 * @throws {RenderError} PROGRAM_MISSING; other errors are the system's own
 */
export async function startProgram(program: string, args: readonly string[], { env, signal }: ProgramOptions): Promise<FedProgram> {
  const child = await spawnSquashfsTool(program, args, env && { env });
  return new FedProgram(nameOf(program), child, signal);
}

/**
 * What a program says when it is run without input, whatever its status.
 *
 * @throws {RenderError} PROGRAM_MISSING; other errors are the system's own. The signal's reason
 */
export async function outputOf(program: string, args: readonly string[], { env, signal }: ProgramOptions = {}): Promise<string> {
  const child = await spawnSquashfsTool(program, args, env && { env });
  const words = new Tail(WORDS);
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes: Buffer) => words.add(bytes)).on('error', () => undefined);
  }
  child.stdin.on('error', () => undefined).end();
  const patience = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  endOnAbort(child, signal === undefined ? patience : AbortSignal.any([signal, patience]));
  await endOf(child);
  signal?.throwIfAborted();
  return words.text();
}

const PROBE_TIMEOUT_MS = 10_000;

async function spawnSquashfsTool(
  program: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv } = {},
): Promise<ChildProcessWithoutNullStreams> {
  try {
    return await spawnProgram(program, args, options);
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT')) throw cause;
    throw new RenderError('PROGRAM_MISSING', `${nameOf(program)} not found at ${program} — is squashfs-tools installed?`, {
      path: program,
      cause,
    });
  }
}

function nameOf(program: string): string {
  return program.slice(program.lastIndexOf('/') + 1);
}
