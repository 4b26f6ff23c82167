import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hasCode, RenderError } from './errors.ts';
import { Tail } from './tail.ts';

/**
 * The output of `program -dc`, fed with `source`. The program has ended when this has.
 *
 * @throws {RenderError} DECODER_MISSING, DECODER_FAILED with what it said; whatever the source throws
 */
export async function* filterProgram(program: string, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const child = spawn(program, ['-dc'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'close').then(
    ([status, signal]) => String(status ?? signal),
    (error: unknown) => error,
  );
  const words = new Tail(4096);
  child.stderr.on('data', (bytes: Buffer) => words.add(bytes));
  const fed = pipeline(Readable.from(source, { objectMode: true, highWaterMark: 1 }), child.stdin).catch((error: unknown) => error);
  try {
    yield* child.stdout;
    const failure = await fed;
    const outcome = await ended;
    if (failure !== undefined && !hasCode(failure, 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE')) throw failure;
    check(program, outcome, words.text());
  } finally {
    child.kill('SIGKILL');
    await ended;
    await fed;
  }
}

function check(program: string, outcome: unknown, words: string): void {
  if (outcome === '0') return;
  if (typeof outcome === 'string') throw new RenderError('DECODER_FAILED', `${program} ended with ${outcome}: ${words}`);
  if (!hasCode(outcome, 'ENOENT')) throw outcome;
  throw new RenderError('DECODER_MISSING', `the program ${program}, which unpacks this layer, is not installed`, { cause: outcome });
}
