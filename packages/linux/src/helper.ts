import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { hasCode, LinuxError } from './errors.ts';

/** How a helper program ended. */
export interface HelperResult {
  readonly status: number;
  readonly stderr: string;
}

/** The descriptor under which a helper sees the one it was handed. */
export const INHERITED = '3';

/**
 * Run a program with `fd` as its descriptor 3.
 *
 * @returns undefined if there is no such program
 * @throws {LinuxError} HELPER_FAILED if a signal ended it
 */
export function runHelper(program: string, args: readonly string[], fd: number): HelperResult | undefined {
  const { error, status, signal, stderr } = spawnSync(program, args, {
    stdio: ['ignore', 'ignore', 'pipe', fd],
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (error !== undefined) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  return result(program, status, signal, stderr);
}

/** {@link runHelper} without blocking. */
export function runHelperAsync(program: string, args: readonly string[], fd: number): Promise<HelperResult | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe', fd] });
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', (error) => (hasCode(error, 'ENOENT') ? resolve(undefined) : reject(error)));
    child.on('close', (status, signal) => {
      try {
        resolve(result(program, status, signal, stderr));
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** The error for a helper that ended badly. */
export function helperFailed(program: string, syscall: string, { status, stderr }: HelperResult): LinuxError {
  return new LinuxError('HELPER_FAILED', syscall, `${program} ended with ${status}: ${stderr.trim()}`);
}

/** The error for a call that nothing here can do. */
export function noMeans(syscall: string, program: string): LinuxError {
  return new LinuxError('UNSUPPORTED', syscall, `neither koffi nor the program ${program} is there`);
}

/** Whether `program` is on PATH. */
export function hasProgram(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => directory !== '' && isExecutable(join(directory, program)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return false;
    throw error;
  }
}

function result(program: string, status: number | null, signal: NodeJS.Signals | null, stderr: string): HelperResult {
  if (status === null) throw new LinuxError('HELPER_FAILED', program, `ended by ${signal}`);
  return { status, stderr };
}
