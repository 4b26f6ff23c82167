import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { CliError, defineCommand, type Command, type CommandContext } from '@cfskit/cli-kit';
import { withRepository } from '@cfskit/cli-kit/images';

const PATIENCE_MS = 1000;

export const transaction: Command = defineCommand({
  summary: 'Keep the repository from being collected while a command runs',
  details: 'Holds the shared lock. Without a command it is held until this program is killed.',
  arguments: { command: { name: 'CMD', description: 'Command with its arguments, behind --', variadic: true, optional: true } },
  examples: [
    ['transaction -- ./import-many.sh', 'no garbage collection until the script ends'],
    ['transaction', 'hold the lock until killed'],
  ],
  exitCodes: [{ code: '0', meaning: 'done; with CMD the exit code is that of CMD' }],
  json: false,
  run: ({ values, args }, context) =>
    withRepository<number>(values, context, () => {
      const [file, ...rest] = args.command;
      return file === undefined ? untilAborted(context.signal) : runCommand(file, rest, context);
    }),
});

function untilAborted(signal: AbortSignal): Promise<never> {
  const keepAlive = setInterval(() => undefined, 1 << 30);
  return new Promise((_, reject) => {
    const end = (): void => {
      clearInterval(keepAlive);
      reject(signal.reason as Error);
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

/** On a signal the command is asked to end, and made to when it does not. */
async function runCommand(file: string, args: readonly string[], { signal, world }: CommandContext): Promise<number> {
  const child = spawn(file, args, { stdio: 'inherit', cwd: world.cwd, env: { ...world.env } });
  const pass = (): void => {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS).unref();
  };
  signal.addEventListener('abort', pass, { once: true });
  try {
    const [code, killedBy] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    signal.throwIfAborted();
    return code ?? 128 + constants.signals[killedBy ?? 'SIGTERM'];
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw new CliError('NOT_FOUND', `no such command: ${file}`, { cause: error });
    throw error;
  } finally {
    signal.removeEventListener('abort', pass);
  }
}
