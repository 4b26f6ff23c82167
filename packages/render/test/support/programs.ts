import { spawnSync } from 'node:child_process';

/** Whether a test that needs a program runs: where it is installed, and always in CI, where it fails without. */
export function needs(program: string): boolean {
  return process.env['CI'] !== undefined || spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

export const isRoot: boolean = process.getuid?.() === 0;

/** Run a program. @throws {Error} with what it said, unless it ended well */
export function run(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
  return stdout;
}

/** Do something as a user with no privileges, if there is one to become. */
export async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (!isRoot) return await work();
  process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}
