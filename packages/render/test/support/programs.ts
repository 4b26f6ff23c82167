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
