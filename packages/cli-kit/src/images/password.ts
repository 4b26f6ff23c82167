import type { CommandContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import { decodeUtf8 } from '../printable.ts';

/** Tokens of cloud registries have a few KiB. */
const LIMIT = 64 * 1024;

/**
 * A password from standard input: all of it but one line end at its end.
 *
 * @throws {UsageError} nothing there, too much, or not UTF-8. The message does not repeat it
 */
export async function readPassword({ world, signal }: CommandContext): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of world.stdin.chunks(signal)) {
    size += chunk.byteLength;
    if (size > LIMIT) throw new UsageError(`--password-stdin: wanted at most ${LIMIT} bytes`);
    chunks.push(chunk);
  }
  const password = decodeUtf8(Buffer.concat(chunks))?.replace(/\r?\n$/, '');
  if (password === undefined) throw new UsageError('--password-stdin: the password is not UTF-8');
  if (password === '') throw new UsageError('--password-stdin: the password is empty');
  return password;
}
