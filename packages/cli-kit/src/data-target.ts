import { resolve } from 'node:path';
import { UsageError } from './errors.ts';
import { createOutputFile } from './output-file.ts';
import type { World } from './world.ts';

/** Where the data of a command goes. */
export interface DataTarget {
  readonly toStdout: boolean;
  /** Write all of it. A file gets its name only when `chunks` ended well; it never keeps a part. */
  write(chunks: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>): Promise<void>;
}

/** What decides about a target. */
export interface DataTargetOptions {
  readonly binary: boolean;
  readonly json: boolean;
  readonly world: World;
}

/**
 * The target `-o` names: a file, or standard output for `-` and when it is not given.
 *
 * @throws {UsageError} before anything is touched: binary data for a terminal, data and JSON both on standard output
 */
export function dataTarget(output: string | undefined, { binary, json, world }: DataTargetOptions): DataTarget {
  if (output !== undefined && output !== '-') return fileTarget(resolve(world.cwd, output));
  if (json) throw new UsageError('--json and data on standard output at once; write the data to a file with -o FILE');
  if (binary && world.stdout.isTerminal) throw new UsageError('refusing to write binary data to a terminal; use -o FILE or a pipe');
  return {
    toStdout: true,
    async write(chunks) {
      for await (const chunk of chunks) await world.stdout.write(chunk);
    },
  };
}

function fileTarget(path: string): DataTarget {
  return {
    toStdout: false,
    async write(chunks) {
      const file = await createOutputFile(path);
      try {
        for await (const chunk of chunks) await file.write(chunk);
        await file.commit();
      } finally {
        await file.discard();
      }
    },
  };
}
