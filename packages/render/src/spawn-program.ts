import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { hasCode } from './errors.ts';

/** How a program ended: its status, or the signal that ended it. */
export type ExitStatus = number | NodeJS.Signals;

/** Pauses while another process still has the program file open for writing, in milliseconds. */
const BUSY_PAUSES = [5, 10, 15, 20, 25];

/** A program that runs, with pipes to it and from it. Errors are those of the system. */
export async function spawnProgram(
  program: string,
  args: readonly string[],
  options: Pick<SpawnOptions, 'env'> = {},
): Promise<ChildProcessWithoutNullStreams> {
  for (const pause of BUSY_PAUSES) {
    try {
      return await spawned(program, args, options);
    } catch (error) {
      if (!hasCode(error, 'ETXTBSY')) throw error;
      await delay(pause);
    }
  }
  return await spawned(program, args, options);
}

async function spawned(program: string, args: readonly string[], options: SpawnOptions): Promise<ChildProcessWithoutNullStreams> {
  const child: ChildProcess = spawn(program, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
  await once(child, 'spawn');
  child.on('error', () => undefined); // of a signal that could not be sent: then it ends by itself, or not
  return child as ChildProcessWithoutNullStreams;
}

/** Resolves when it has ended and its last words have been read. */
export async function endOf(child: ChildProcess): Promise<ExitStatus> {
  return await new Promise((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal!));
  });
}

/** End a program at once. Nobody listens any more: programs of its own may hold the pipes for as long as they like. */
export function endProgram(child: ChildProcessWithoutNullStreams, reason?: Error): void {
  child.kill('SIGKILL');
  child.stdin.destroy();
  child.stdout.destroy(reason);
  child.stderr.destroy();
}

/** End a program when the caller gives up, however busy or stuck it is. */
export function endOnAbort(child: ChildProcessWithoutNullStreams, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const end = (): void => endProgram(child, signal.reason instanceof Error ? signal.reason : undefined);
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  child.once('close', () => signal.removeEventListener('abort', end));
}
