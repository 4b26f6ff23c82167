import { chmodSync, closeSync, lstatSync, openSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytes } from './bytes.ts';
import { load, MEANS, useDirectory } from './means.ts';

const root = process.getuid?.() === 0;

describe.each(MEANS)('metadata by %s', async (means) => {
  const {
    chmodAt,
    chownAt,
    O_PATH,
    openAt,
    readlinkAt,
    statAt,
    statDescriptor,
    closeDescriptor,
    mknodAt,
    symlinkAt,
    utimesAt,
    utimesDescriptor,
  } = await load(means);
  const path = useDirectory('/dev/shm');
  let directory = -1;
  beforeEach(() => {
    directory = openSync(path(), 'r');
    writeFileSync(join(path(), 'file'), 'content');
    symlinkSync('file', join(path(), 'link'));
  });
  afterEach(() => closeSync(directory));

  it('sets permissions, whatever the umask, but not of a link', () => {
    expect(chmodAt(directory, bytes('file'), 0o6777)).toBe('changed');
    expect(statSync(join(path(), 'file')).mode).toBe(0o106777);
    expect(chmodAt(directory, bytes('link'), 0o600)).toBe('unsupported');
    expect(statSync(join(path(), 'file')).mode).toBe(0o106777);
    expect(() => chmodAt(directory, bytes('none'), 0o600)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });

  it('sets permissions of a FIFO without opening it', () => {
    mknodAt(directory, bytes('fifo'), { type: 'fifo', mode: 0o600 });
    expect(chmodAt(directory, bytes('fifo'), 0o641)).toBe('changed');
    expect(lstatSync(join(path(), 'fifo')).mode).toBe(0o010641);
  });

  it.runIf(root)('gives owners, to links, too', () => {
    chmodSync(join(path(), 'file'), 0o4755);
    expect(chownAt(directory, bytes('link'), 1000, 4_294_967_294)).toBe('changed');
    expect(lstatSync(join(path(), 'link'))).toMatchObject({ uid: 1000, gid: 4_294_967_294 });
    expect(statSync(join(path(), 'file'))).toMatchObject({ uid: 0, gid: 0, mode: 0o104755 });
    expect(chownAt(directory, bytes('file'), 1, 2)).toBe('changed');
    expect(statSync(join(path(), 'file'))).toMatchObject({ uid: 1, gid: 2, mode: 0o100755 });
  });

  it('reads links as they are', () => {
    const target = new Uint8Array(4095).fill(0xfe);
    symlinkAt(target, directory, bytes('long'));
    expect(readlinkAt(directory, bytes('long'))).toEqual(target);
    expect(readlinkAt(directory, bytes('link'))).toEqual(bytes('file'));
    expect(() => readlinkAt(directory, bytes('file'))).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  });

  it('tells what stat tells', () => {
    for (const [name, where, at] of [
      ['file', path(), directory],
      ['link', path(), directory],
      ['null', '/dev', openSync('/dev', 'r')],
    ] as const) {
      const found = statAt(at, bytes(name));
      const wanted = lstatSync(join(where, name), { bigint: true });
      const { mode, nlink, uid, gid, size, rdev, dev, ino, mtime, ctime } = found;
      expect([mode, nlink, uid, gid, size, rdev, dev].map(BigInt)).toEqual([
        wanted.mode,
        wanted.nlink,
        wanted.uid,
        wanted.gid,
        wanted.size,
        wanted.rdev,
        wanted.dev,
      ]);
      expect(ino).toBe(wanted.ino);
      expect(mtime.seconds * 1_000_000_000n + BigInt(mtime.nanoseconds)).toBe(wanted.mtimeNs);
      expect(ctime.seconds * 1_000_000_000n + BigInt(ctime.nanoseconds)).toBe(wanted.ctimeNs);
      const fd = openAt(at, bytes(name), O_PATH);
      expect(statDescriptor(fd)).toEqual(found);
      closeDescriptor(fd);
      if (at !== directory) closeSync(at);
    }
    expect(() => statAt(directory, bytes('none'))).toThrow(expect.objectContaining({ code: 'ENOENT', path: 'none' }));
    expect(() => statDescriptor(123_456)).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });

  it.each([
    [0n, 0, 'set'],
    [1_700_000_000n, 500_000_000, 'set'],
    [-86_400n, 0, 'set'],
    [-1n, 999_999_999, 'rounded'],
    [1_700_000_000n, 123_456_789, 'rounded'],
    [2n ** 33n, 1, 'rounded'],
  ])('sets times: %d.%d', (seconds, nanoseconds, byNode) => {
    const mtime = { seconds, nanoseconds };
    const outcome = means === 'koffi' ? 'set' : byNode;
    const atime = { seconds: 1n, nanoseconds: 500_000_000 };
    expect(utimesAt(directory, bytes('file'), { mtime: { seconds: 7n, nanoseconds: 0 }, atime })).toBe('set');
    expect(utimesAt(directory, bytes('file'), { mtime })).toBe(outcome);
    expect(utimesAt(directory, bytes('link'), { mtime })).toBe(outcome);
    expect(lstatSync(join(path(), 'file'), { bigint: true }).atimeNs).toBe(1_500_000_000n);
    // To a double near 2^33 seconds the next one is 2 µs away.
    for (const name of ['file', 'link']) {
      const found = lstatSync(join(path(), name), { bigint: true }).mtimeNs;
      const error = found - (seconds * 1_000_000_000n + BigInt(nanoseconds));
      expect(Math.abs(Number(error))).toBeLessThanOrEqual(outcome === 'set' ? 0 : 1_000_000);
    }
    const fd = openSync(join(path(), 'file'), 'r');
    expect(utimesDescriptor(fd, { mtime: { seconds: 9n, nanoseconds: 0 } })).toBe('set');
    expect(statDescriptor(fd).mtime).toEqual({ seconds: 9n, nanoseconds: 0 });
    closeSync(fd);
  });

  it('reports times of what is not there', () => {
    const times = { mtime: { seconds: 0n, nanoseconds: 0 } };
    expect(() => utimesAt(directory, bytes('none'), times)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    expect(() => utimesDescriptor(123_456, times)).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });
});
