import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { atExit } from './at-exit.ts';
import { hasCode, ImageProxyError } from './errors.ts';
import { complaintOf } from './foreign-text.ts';
import { within } from './waiting.ts';

/** How a child ended. */
export interface ChildEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it complained of, in one line; empty if it did not. */
  readonly complaint: string;
  /** Why it could not even be started. */
  readonly startError?: Error;
}

/** A program to be started. */
export interface CommandLine {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

const TAIL = 8 * 1024;

/** Who still holds the pipe of a child that has ended may keep it open for ever; the complaint is there long before. */
const STDERR_MS = 200;

/**
 * A child process, in a process group of its own: an interrupt from the terminal reaches us alone, and who ends the group ends what the child
 * has started, too. It does not outlive this process.
 */
export class Child {
  readonly process: ChildProcess;
  /** Never rejects. */
  readonly ended: Promise<ChildEnd>;
  #stderr = '';
  #end: ChildEnd | undefined;

  constructor({ program, args, cwd, env }: CommandLine, stdio: StdioOptions) {
    this.process = spawn(program, args, { stdio, env, detached: true, ...(cwd !== undefined && { cwd }) });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr = (this.#stderr + text).slice(-TAIL)));
    this.ended = this.#wait();
  }

  /** How it ended, if it has. */
  get end(): ChildEnd | undefined {
    return this.#end;
  }

  /** End it and all that it has started, at once. */
  kill(): void {
    const { pid } = this.process;
    if (pid === undefined || this.#end !== undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch (error) {
      if (!hasCode(error, 'ESRCH', 'EPERM')) throw error; // it has ended; or what is left of its group is not ours
      this.process.kill('SIGKILL');
    }
  }

  async #wait(): Promise<ChildEnd> {
    const forget = atExit(() => this.kill());
    try {
      const { promise, resolve } = Promise.withResolvers<Omit<ChildEnd, 'complaint'>>();
      this.process.on('error', (startError) => this.process.pid === undefined && resolve({ status: null, signal: null, startError }));
      this.process.on('exit', (status, signal) => resolve({ status, signal }));
      const said = new Promise<void>((done) => void this.process.stderr?.on('close', done));
      const end = await promise;
      if (end.startError === undefined) await within(said, STDERR_MS);
      this.#end = { ...end, complaint: complaintOf(this.#stderr) };
      return this.#end;
    } finally {
      forget();
    }
  }
}

/** How a child ended, as the end of a sentence. */
export function describeEnd({ status, signal, complaint, startError }: ChildEnd): string {
  if (startError !== undefined) return `could not be started: ${startError.message}`;
  const how = signal === null ? `ended with status ${status}` : `was ended by ${signal}`;
  return complaint === '' ? how : `${how}: ${complaint}`;
}

/** The error for a child that ended badly before it did anything for us. */
export function failedToRun(what: string, end: ChildEnd): ImageProxyError {
  return new ImageProxyError('SKOPEO_FAILED', `${what} ${describeEnd(end)}`, end.startError === undefined ? {} : { cause: end.startError });
}
