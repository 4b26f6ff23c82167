import { spawnSync } from 'node:child_process';

/** In CI a tool that is missing is a failure, so nothing is skipped there. */
const inCi = process.env['CI'] !== undefined;

/** Whether tests that need this program can be left out. */
export function isMissing(program: string): boolean {
  return !inCi && spawnSync(program, ['--version']).error !== undefined;
}

/** Programs besides the skopeo on PATH, of other versions: CFSKIT_TEST_SKOPEOS names them, with colons in between. */
export const otherSkopeos: readonly string[] = (process.env['CFSKIT_TEST_SKOPEOS'] ?? '').split(':').filter((path) => path !== '');

/** What is read with: each skopeo in each way. */
export const skopeoWays: readonly { readonly skopeo: string; readonly via: 'packet' | 'ipc' | 'staging' }[] = [
  'skopeo',
  ...otherSkopeos,
].flatMap((skopeo) => (['packet', 'ipc', 'staging'] as const).map((via) => ({ skopeo, via })));
