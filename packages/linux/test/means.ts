import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, vi } from 'vitest';
import type * as Linux from '../src/index.ts';

/** The package, loaded afresh, with native calls or without. Which it is is decided at first use, so that happens here, too. */
export async function load(means: 'koffi' | 'fallbacks'): Promise<typeof Linux> {
  vi.resetModules();
  vi.stubEnv('CFSKIT_NO_KOFFI', means === 'koffi' ? '' : '1');
  const linux = await import('../src/index.ts');
  const found = linux.capabilities().koffi;
  vi.unstubAllEnvs();
  if ((found.means === 'native') !== (means === 'koffi')) throw new Error(`koffi: ${found.by}`);
  return linux;
}

/** Both ways in which the package can do its work. */
export const MEANS = ['koffi', 'fallbacks'] as const;

/** An empty directory for each test, on the disk of the temporary files unless told otherwise. */
export function useDirectory(parent: string = tmpdir()): () => string {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(parent, 'cfskit-linux-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  return () => directory;
}
