import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A directory for the tests of one file. Its name has nothing that the brackets of a reference would end at. */
export function scratch(): () => string {
  const directory = mkdtempSync(join(tmpdir(), 'containers-storage-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  let count = 0;
  return () => join(directory, String(count++));
}
