import { closeSync, fchmodSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { load, MEANS, useDirectory } from './means.ts';

// CFSKIT_TEST_DIR may name a directory on Btrfs or XFS, so that clones happen.
describe.each(MEANS)('reflink by %s', async (means) => {
  const { probeDirectory, reflink } = await load(means);
  const directory = useDirectory(process.env['CFSKIT_TEST_DIR'] ?? tmpdir());

  it('clones, or says that it cannot and leaves the target as it was', () => {
    const [source, target] = [join(directory(), 'source'), join(directory(), 'target')];
    const content = Buffer.alloc(10_000, 'content');
    writeFileSync(source, content, { mode: 0o600 });
    writeFileSync(target, '');
    const [from, to] = [openSync(source, 'r'), openSync(target, 'r+')];
    fchmodSync(to, 0o604);
    const cloned = reflink(from, to);
    expect(readFileSync(target)).toEqual(cloned ? content : Buffer.alloc(0));
    expect(fstatSync(to).mode & 0o777).toBe(0o604);
    closeSync(from);
    closeSync(to);
    expect(probeDirectory(directory(), 'sha512').reflink).toBe(cloned);
  });

  it('does not cross file systems', () => {
    const source = openSync('/proc/self/status', 'r');
    const path = join(directory(), 'target');
    const target = openSync(path, 'wx');
    expect(reflink(source, target)).toBe(false);
    closeSync(source);
    closeSync(target);
  });
});

describe('errors', () => {
  it('has the errno', async () => {
    const { reflink } = await load('koffi');
    expect(() => reflink(0, 123_456)).toThrow(expect.objectContaining({ code: 'EBADF', syscall: 'FICLONE' }));
  });
});
