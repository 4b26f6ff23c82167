import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

/**
 * An empty directory for each test, in memory unless told otherwise: tmpfs has attributes of users since Linux 6.6 only. It may become deeper
 * than paths reach, so rm(1) takes it away.
 */
export function useDirectory(parent = '/dev/shm'): () => string {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(parent, 'cfskit-fs-scan-'));
  });
  afterEach(() => execFileSync('rm', ['-rf', directory]));
  return () => directory;
}

export const isRoot: boolean = process.getuid?.() === 0;
