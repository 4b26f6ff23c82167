import type * as fs from 'node:fs';
import { closeSync, fstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { load, MEANS, useDirectory } from './means.ts';

// /dev/shm has O_TMPFILE everywhere; a temporary directory may be on an overlay or a network file system that has not.
const memory = '/dev/shm';

describe.each(MEANS)('staging files by %s', async (means) => {
  const { discardStagingFile, linkStagingFile, openStagingFile, reopenReadOnly } = await load(means);
  const directory = useDirectory(memory);

  it('has no final name until it is linked', () => {
    const file = openStagingFile(directory(), { prefix: '.tmp-object-' });
    writeSync(file.fd, 'content');
    expect(readdirSync(directory()).join()).toMatch(means === 'koffi' ? /^$/ : /^\.tmp-object-[A-Za-z0-9]{12}$/);
    expect(linkStagingFile(file, join(directory(), 'name'))).toBe('linked');
    closeSync(file.fd);
    expect(readdirSync(directory())).toEqual(['name']);
    expect(readFileSync(join(directory(), 'name'), 'utf8')).toBe('content');
  });

  it('leaves alone what has the name already', () => {
    writeFileSync(join(directory(), 'name'), 'first');
    const file = openStagingFile(directory());
    writeSync(file.fd, 'second');
    expect(linkStagingFile(file, join(directory(), 'name'))).toBe('exists');
    closeSync(file.fd);
    expect(readdirSync(directory())).toEqual(['name']);
    expect(readFileSync(join(directory(), 'name'), 'utf8')).toBe('first');
  });

  it('leaves nothing behind when discarded, or when it cannot be linked', () => {
    const file = openStagingFile(directory());
    discardStagingFile(file);
    discardStagingFile(file);
    closeSync(file.fd);
    const other = openStagingFile(directory());
    expect(() => linkStagingFile(other, join(directory(), 'no/such'))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    closeSync(other.fd);
    expect(readdirSync(directory())).toEqual([]);
  });

  it('has the permissions asked for, less the umask', () => {
    const file = openStagingFile(directory(), { mode: 0o640 });
    expect(fstatSync(file.fd).mode & 0o777).toBe(0o640 & ~process.umask());
    linkStagingFile(file, join(directory(), 'name'));
    closeSync(file.fd);
    expect(statSync(join(directory(), 'name')).mode & 0o777).toBe(0o640 & ~process.umask());
  });

  it('can be linked by a read-only descriptor, with no other left', () => {
    const file = openStagingFile(directory());
    writeSync(file.fd, 'content');
    const fd = reopenReadOnly(file.fd);
    closeSync(file.fd);
    expect(() => writeSync(fd, 'more')).toThrow(expect.objectContaining({ code: 'EBADF' }));
    expect(linkStagingFile({ fd, path: file.path }, join(directory(), 'name'))).toBe('linked');
    closeSync(fd);
    expect(readFileSync(join(directory(), 'name'), 'utf8')).toBe('content');
  });

  it('reports a directory that is not there', () => {
    expect(() => openStagingFile(join(directory(), 'none'))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });

  it('takes names that are not ASCII', () => {
    const file = openStagingFile(directory());
    expect(linkStagingFile(file, join(directory(), 'größer-日本'))).toBe('linked');
    closeSync(file.fd);
    expect(readdirSync(directory())).toEqual(['größer-日本']);
  });
});

describe('unnamed files', async () => {
  const directory = useDirectory(memory);

  it('are linked by their descriptor', async () => {
    const { linkFd, openTmpfile } = await load('koffi');
    const fd = openTmpfile(directory())!;
    expect(linkFd(fd, join(directory(), 'one'))).toBe('linked');
    expect(linkFd(fd, join(directory(), 'one'))).toBe('exists');
    expect(linkFd(fd, join(directory(), 'two'))).toBe('linked');
    expect(fstatSync(fd).nlink).toBe(2);
    closeSync(fd);
  });

  it('cannot cross file systems', async () => {
    const { linkFd, openTmpfile } = await load('koffi');
    const fd = openTmpfile(directory())!;
    expect(() => linkFd(fd, '/proc/cfskit')).toThrow(
      expect.objectContaining({ name: 'LinuxError', syscall: 'linkat', path: '/proc/cfskit' }),
    );
    closeSync(fd);
  });

  it.skipIf(process.getuid?.() !== 0)('are refused where the file system has none', async () => {
    const { openTmpfile } = await load('koffi');
    expect(openTmpfile('/proc')).toBeUndefined();
  });

  it('are not opened without koffi, since they could not be named', async () => {
    const { linkFd, openTmpfile } = await load('fallbacks');
    expect(openTmpfile(directory())).toBeUndefined();
    mkdirSync(join(directory(), 'd'));
    expect(() => linkFd(0, join(directory(), 'x'))).toThrow(expect.objectContaining({ code: 'UNSUPPORTED', syscall: 'linkat' }));
  });
});

/** The package on a file system that refuses hard links, as vfat does. */
async function withoutLinks(): ReturnType<typeof load> {
  vi.doMock('node:fs', async (original) => ({ ...(await original<typeof fs>()), linkSync: refuse }));
  const linux = await load('fallbacks');
  vi.doUnmock('node:fs');
  return linux;
}

function refuse(): never {
  throw Object.assign(new Error('operation not permitted'), { code: 'EPERM' });
}

describe('where there are no hard links', () => {
  const directory = useDirectory(memory);

  it('renames, unless the name is taken', async () => {
    const { linkStagingFile, openStagingFile } = await withoutLinks();
    for (const [content, outcome] of [
      ['first', 'linked'],
      ['second', 'exists'],
    ] as const) {
      const file = openStagingFile(directory());
      writeSync(file.fd, content);
      expect(linkStagingFile(file, join(directory(), 'name'))).toBe(outcome);
      closeSync(file.fd);
    }
    expect(readdirSync(directory())).toEqual(['name']);
    expect(readFileSync(join(directory(), 'name'), 'utf8')).toBe('first');
  });
});
