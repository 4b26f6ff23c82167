import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fsVerityDigest } from '@cfskit/fs-verity';
import { describe, expect, it } from 'vitest';
import { load, MEANS, useDirectory } from './means.ts';

// CFSKIT_TEST_DIR may name a directory whose file system has fs-verity; most have not.
const parent = process.env['CFSKIT_TEST_DIR'] ?? tmpdir();
const linux = await load('koffi');
const capable = linux.probeDirectory(parent, 'sha512').verity && linux.probeDirectory(parent, 'sha256').verity;

describe.each(MEANS)('where there is no verity, by %s', async (means) => {
  const { enableVerity, enableVerityOrCopy, measureVerity, probeDirectory } = await load(means);
  const directory = useDirectory('/dev/shm'); // tmpfs has none

  it('says so', () => {
    const path = join(directory(), 'file');
    writeFileSync(path, 'content');
    const fd = openSync(path, 'r');
    expect(enableVerity(fd, 'sha256')).toBe('unsupported');
    expect(enableVerityOrCopy(fd, 'sha512', directory())).toEqual({ outcome: 'unsupported', copy: undefined });
    expect(measureVerity(fd)).toBe('unsupported');
    expect(probeDirectory(directory(), 'sha512').verity).toBe(false);
    closeSync(fd);
  });
});

describe('errors', () => {
  it('has the errno', () => {
    const error = { name: 'LinuxError', code: 'EBADF' };
    expect(() => linux.enableVerity(123_456, 'sha512')).toThrow(expect.objectContaining({ ...error, syscall: 'FS_IOC_ENABLE_VERITY' }));
    expect(() => linux.measureVerity(123_456)).toThrow(expect.objectContaining({ ...error, syscall: 'FS_IOC_MEASURE_VERITY' }));
  });
});

describe.skipIf(!capable)('where there is verity', () => {
  const { enableVerity, enableVerityOrCopy, enableVerityRetrying, linkStagingFile, measureVerity, openStagingFile, reopenReadOnly } = linux;
  const directory = useDirectory(parent);

  describe.each(['sha256', 'sha512'] as const)('%s', (algorithm) => {
    // One block, the ends of the first levels of either algorithm, and two levels.
    it.each([0, 1, 4095, 4096, 4097, 262_144, 262_145, 524_288, 524_289, 16_777_217])('measures %i bytes as user space does', (size) => {
      const content = new Uint8Array(size).map((_, index) => index * 31);
      const path = join(directory(), 'file');
      writeFileSync(path, content);
      const fd = openSync(path, 'r');
      expect(measureVerity(fd)).toBeUndefined();
      expect(enableVerity(fd, algorithm)).toBe('enabled');
      expect(measureVerity(fd)).toEqual({ algorithm, digest: fsVerityDigest(content, algorithm) });
      expect(enableVerity(fd, 'sha256')).toBe('already-enabled');
      closeSync(fd);
      expect(() => openSync(path, 'r+')).toThrow(expect.objectContaining({ code: 'EPERM' }));
    });

    it('takes unnamed files, which can be linked afterwards', () => {
      const file = openStagingFile(directory());
      writeSync(file.fd, 'content');
      const fd = reopenReadOnly(file.fd);
      expect(enableVerity(fd, algorithm)).toBe('busy');
      closeSync(file.fd);
      expect(enableVerityRetrying(fd, algorithm)).toBe('enabled');
      expect(linkStagingFile({ fd, path: file.path }, join(directory(), 'name'))).toBe('linked');
      expect(measureVerity(fd)).toEqual({ algorithm, digest: fsVerityDigest(Buffer.from('content'), algorithm) });
      closeSync(fd);
    });
  });

  it('needs no copy of a file that nobody writes', () => {
    const path = join(directory(), 'file');
    writeFileSync(path, 'content');
    const fd = openSync(path, 'r');
    expect(enableVerityOrCopy(fd, 'sha256', directory())).toEqual({ outcome: 'enabled', copy: undefined });
    expect(enableVerityOrCopy(fd, 'sha256', directory())).toEqual({ outcome: 'already-enabled', copy: undefined });
    closeSync(fd);
  });

  it('copies a file that stays open for writing', () => {
    const content = new Uint8Array(3_000_000).map((_, index) => index);
    const path = join(directory(), 'file');
    writeFileSync(path, content, { mode: 0o640 });
    const fd = openSync(path, 'r+');
    const { outcome, copy } = enableVerityOrCopy(fd, 'sha512', directory());
    expect(outcome).toBe('enabled');
    expect(measureVerity(copy!.fd)).toEqual({ algorithm: 'sha512', digest: fsVerityDigest(content, 'sha512') });
    expect(measureVerity(fd)).toBeUndefined();
    linkStagingFile(copy!, join(directory(), 'copy'));
    expect(readFileSync(join(directory(), 'copy')).equals(content)).toBe(true);
    closeSync(copy!.fd);
    closeSync(fd);
  });
});
