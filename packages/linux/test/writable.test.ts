import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkWritable } from '../src/writable.ts';
import { useDirectory } from './means.ts';

const ANYBODY = ['--reuid=65534', '--clear-groups'];
const isRoot = process.getuid?.() === 0;

describe('checkWritable', () => {
  const directory = useDirectory('/dev/shm');

  it('finds a directory writable', () => {
    expect(checkWritable(directory())).toBe('writable');
  });

  it.skipIf(isRoot)('respects permissions', () => {
    chmodSync(directory(), 0o555);
    expect(checkWritable(directory())).toBe('denied');
  });

  /** What a child sees that `launcher` starts. */
  function checkUnder(launcher: string, ...args: readonly string[]): string {
    const [module, path] = [join(import.meta.dirname, '../src/writable.ts'), directory()].map((text) => JSON.stringify(text));
    const program = `import(${module}).then((writable) => console.log(writable.checkWritable(${path})))`;
    return execFileSync(launcher, [...args, process.execPath, '-e', program], { encoding: 'utf8' }).trim();
  }

  it.skipIf(!isRoot || spawnSync('setpriv', [...ANYBODY, 'true']).status !== 0)('respects permissions of others than root', () => {
    chmodSync(directory(), 0o755);
    expect(checkUnder('setpriv', ...ANYBODY)).toBe('denied');
  });

  // A mount name space of one's own is not allowed everywhere.
  it.skipIf(spawnSync('unshare', ['-rm', 'true']).status !== 0)('sees a read-only mount, as root too', () => {
    const mountFirst = 'mount -t tmpfs -o ro none "$0" && exec "$@"';
    expect(checkUnder('unshare', '-rm', 'sh', '-c', mountFirst, directory())).toBe('read-only');
  });

  it('reports what is not there', () => {
    expect(() => checkWritable(join(directory(), 'none'))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });
});
