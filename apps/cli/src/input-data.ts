import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { UsageError, type CommandContext } from '@cfskit/cli-kit';

const READ_SIZE = 512 * 1024;

/** The option that names a file to read in place of standard input. */
export const inputOption = {
  input: { type: 'string', short: 'i', value: 'FILE', description: 'Read FILE instead of standard input' },
} as const;

/**
 * The data that a command is given: of FILE, or of standard input for `-` and when there is none. Nothing is opened before the first byte is
 * asked for.
 *
 * @param what is read, for the message: `a tar`
 * @throws {UsageError} standard input is a terminal
 */
export function inputData(input: string | undefined, what: string, { world, signal }: CommandContext): AsyncIterable<Uint8Array> {
  if (input !== undefined && input !== '-') return fileChunks(resolve(world.cwd, input), signal);
  if (world.stdin.isTerminal) throw new UsageError(`refusing to read ${what} from a terminal; use -i FILE or a pipe`);
  return world.stdin.chunks(signal);
}

async function* fileChunks(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of createReadStream(path, { highWaterMark: READ_SIZE, signal })) yield chunk as Uint8Array;
}
