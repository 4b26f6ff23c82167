import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
/** Later starts take what an earlier one has compiled. */
const COMPILE_CACHE = mkdtempSync(join(tmpdir(), 'cfskit-compile-cache-'));
afterAll(() => rmSync(COMPILE_CACHE, { recursive: true, force: true, maxRetries: 3 }));

/** The example image of this repository, with its tag. */
export const TINY: string = `oci:${fileURLToPath(new URL('../../../examples/tiny', import.meta.url))}:latest`;

/** How a process ended. */
export interface Exited {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a process is started. */
export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: 'pipe' | 'ignore';
  /** Another program that gets our command line: `setpriv …`. */
  readonly through?: readonly string[];
}

/** The command line of the program: Node.js, its sources, and the arguments. */
export function cliCommand(argv: readonly string[]): string[] {
  return [process.execPath, '--conditions=source', MAIN, ...argv];
}

/** Start the program as a process of its own. */
export function startCli(argv: readonly string[], options: StartOptions = {}): ChildProcess {
  return startProgram([...(options.through ?? []), ...cliCommand(argv)], options);
}

/** Start any program in the surroundings that {@link startCli} has. */
export function startProgram([file = '', ...args]: readonly string[], options: Omit<StartOptions, 'through'> = {}): ChildProcess {
  const env = { PATH: process.env['PATH'], HOME: tmpdir(), NODE_COMPILE_CACHE: COMPILE_CACHE, ...options.env };
  return spawn(file, args, { stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'], env, cwd: options.cwd ?? tmpdir() });
}

/** Wait for the end of a process and of its output. */
export function exited(child: ChildProcess): Promise<Exited> {
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** Wait until the process has written this. To be called before anything of it was read. */
export function written(stream: Readable | null, wanted: string): Promise<void> {
  let text = '';
  return new Promise((resolve) => {
    stream!.on('data', (chunk: string | Buffer) => {
      text += String(chunk);
      if (text.includes(wanted)) resolve();
    });
  });
}

/** Run the program to its end. */
export function runCli(argv: readonly string[], options: StartOptions = {}): Promise<Exited> {
  return exited(startCli(argv, options));
}

/** A shell word that stands for exactly this text. */
export function shellWord(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The program's command line for a shell. */
export function shellCli(argv: readonly string[]): string {
  return cliCommand(argv).map(shellWord).join(' ');
}

/** Run a script of bash to its end. */
export function runScript(script: string): Promise<Exited> {
  return exited(startProgram(['bash', '-c', script]));
}

/** Whether a program can be started here. */
export function hasProgram(name: string, ...args: readonly string[]): boolean {
  return spawnSync(name, args, { stdio: 'ignore' }).status === 0;
}
