import { spawnSync } from 'node:child_process';

/** In CI a tool that is missing is a failure, so nothing is skipped there. */
const inCi = process.env['CI'] !== undefined;

/** Whether tests that need this program can be left out. */
export function isMissing(program: string): boolean {
  return !inCi && spawnSync(program, ['--version']).error !== undefined;
}
