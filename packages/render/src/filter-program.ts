import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hasCode, RenderError } from './errors.ts';
import { endOf, endOnAbort, endProgram, spawnProgram, type ExitStatus } from './spawn-program.ts';
import { Tail } from './tail.ts';

/**
 * The output of `program -dc`, fed with `source`. The program has ended when this has.
 *
 * @throws {RenderError} DECODER_MISSING, DECODER_FAILED with what it said; whatever the source throws; the signal's reason
 */
export async function* filterProgram(
  program: string,
  source: AsyncIterable<Uint8Array>,
  options: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<Uint8Array, void> {
  const { signal } = options;
  const child = await spawnProgram(program, ['-dc']).catch((cause: unknown) => {
    throw hasCode(cause, 'ENOENT') ? missing(program, cause) : cause;
  });
  const ended = endOf(child);
  const words = new Tail(4096);
  child.stderr.on('data', (bytes: Buffer) => words.add(bytes));
  const fed = pipeline(Readable.from(source, { objectMode: true, highWaterMark: 1 }), child.stdin).catch((error: unknown) => error);
  endOnAbort(child, signal);
  try {
    yield* child.stdout;
    signal?.throwIfAborted();
    const failure = await fed;
    const outcome = await ended;
    if (failure !== undefined && !hasCode(failure, 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE')) throw failure;
    check(program, outcome, words.sentence());
  } finally {
    endProgram(child);
    await ended;
    await fed;
  }
}

function check(program: string, outcome: ExitStatus, words: string): void {
  if (outcome !== 0) throw new RenderError('DECODER_FAILED', `${program} ended with ${outcome}: ${words}`);
}

function missing(program: string, cause: unknown): RenderError {
  return new RenderError('DECODER_MISSING', `the program ${program}, which unpacks this layer, is not installed`, { cause });
}
