import { OutputClosedError } from './errors.ts';
import type { World } from './world.ts';

/** What a made-up world is like; all of it optional. */
export interface MemoryWorldOptions {
  readonly stdin?: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  readonly stdinIsTerminal?: boolean;
  readonly stdoutIsTerminal?: boolean;
  readonly stderrIsTerminal?: boolean;
  readonly columns?: number;
  /** Standard output closes after this many bytes, as with `| head`. */
  readonly stdoutLimit?: number;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly userId?: number;
  readonly signal?: AbortSignal;
  readonly now?: () => number;
}

/** A world without a process, and what was written in it. */
export interface MemoryWorld {
  readonly world: World;
  stdout(): string;
  stdoutBytes(): Uint8Array;
  stderr(): string;
  /** Run what was registered for the end of the process. */
  exit(): void;
}

/** A world for tests of commands: nothing is spawned, printed or read. */
export function memoryWorld(options: MemoryWorldOptions = {}): MemoryWorld {
  const out: Uint8Array[] = [];
  const errors: string[] = [];
  const restores = new Set<() => void>();
  const columns = options.columns ?? 80;
  const world: World = {
    stdin: { isTerminal: options.stdinIsTerminal ?? false, chunks: (signal) => readChunks(options.stdin ?? [], signal) },
    stdout: { isTerminal: options.stdoutIsTerminal ?? false, columns, write: limitedWriter(out, options.stdoutLimit ?? Infinity) },
    stderr: { isTerminal: options.stderrIsTerminal ?? false, columns, rows: 24, write: (text) => void errors.push(text) },
    env: options.env ?? {},
    cwd: options.cwd ?? '/',
    userId: options.userId ?? 1000,
    signal: options.signal ?? new AbortController().signal,
    now: options.now ?? ((): number => 0),
    atExit(restore) {
      restores.add(restore);
      return () => restores.delete(restore);
    },
  };
  return {
    world,
    stdout: () => new TextDecoder().decode(join(out)),
    stdoutBytes: () => join(out),
    stderr: () => errors.join(''),
    exit: () => restores.forEach((restore) => restore()),
  };
}

async function* readChunks(
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of source) {
    signal.throwIfAborted();
    yield chunk;
  }
}

function limitedWriter(out: Uint8Array[], limit: number): (data: string | Uint8Array) => Promise<void> {
  let size = 0;
  return async (data) => {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data.slice();
    size += bytes.byteLength;
    if (size > limit) throw new OutputClosedError();
    out.push(bytes);
  };
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all;
}
