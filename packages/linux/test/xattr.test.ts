import { closeSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { assert, property, uint8Array } from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { hasProgram } from '../src/helper.ts';
import { bytes } from './bytes.ts';
import { load, useDirectory } from './means.ts';

const root = process.getuid?.() === 0;

describe('extended attributes', async () => {
  const { entryPath, getXattr, listXattrs, O_PATH, openAt, closeDescriptor, removeXattr, setXattr } = await load('koffi');
  const path = useDirectory(); // ext4 and others: tmpfs has user attributes only since Linux 6.6
  const file = (): string => join(path(), 'file');
  const link = (): string => join(path(), 'link');
  beforeEach(() => {
    writeFileSync(file(), '');
    symlinkSync('file', link());
  });

  const listed = (...args: Parameters<typeof listXattrs>): string[] => {
    const names = listXattrs(...args);
    return names === 'unsupported' ? [names] : names.map((name) => new TextDecoder('latin1').decode(name)).toSorted();
  };

  it('sets, gets, lists and removes', () => {
    expect(getXattr(file(), bytes('user.a'))).toBeUndefined();
    expect(setXattr(file(), bytes('user.a'), bytes('value'))).toBe('set');
    expect(setXattr(file(), bytes('user.empty'), new Uint8Array())).toBe('set');
    expect(getXattr(file(), bytes('user.a'))).toEqual(bytes('value'));
    expect(getXattr(file(), bytes('user.empty'))).toEqual(new Uint8Array());
    expect(listed(file())).toEqual(expect.arrayContaining(['user.a', 'user.empty']));
    expect(removeXattr(file(), bytes('user.a'))).toBe('removed');
    expect(removeXattr(file(), bytes('user.a'))).toBe('missing');
    expect(listed(file())).not.toContain('user.a');
  });

  it('leaves alone what it is told to', () => {
    expect(setXattr(file(), bytes('user.a'), bytes('1'), { only: 'replace' })).toBe('missing');
    expect(setXattr(file(), bytes('user.a'), bytes('2'), { only: 'create' })).toBe('set');
    expect(setXattr(file(), bytes('user.a'), bytes('3'), { only: 'create' })).toBe('exists');
    expect(setXattr(file(), bytes('user.a'), bytes('4'), { only: 'replace' })).toBe('set');
    expect(getXattr(file(), bytes('user.a'))).toEqual(bytes('4'));
  });

  it('takes descriptors, links and what they lead to', () => {
    const fd = openSync(file(), 'r');
    expect(setXattr(fd, bytes('user.a'), bytes('x'))).toBe('set');
    expect(getXattr(fd, bytes('user.a'))).toEqual(bytes('x'));
    expect(listed(fd)).toContain('user.a');
    expect(getXattr(link(), bytes('user.a'))).toBeUndefined();
    expect(getXattr(link(), bytes('user.a'), { follow: true })).toEqual(bytes('x'));
    expect(listed(link(), { follow: true })).toContain('user.a');
    expect(setXattr(link(), bytes('user.a'), bytes('x'))).toBe('denied');
    expect(removeXattr(fd, bytes('user.a'))).toBe('removed');
    closeSync(fd);
  });

  it('goes through an open directory, and through a descriptor of the place', () => {
    const directory = openSync(path(), 'r');
    setXattr(file(), bytes('user.a'), bytes('x'));
    expect(getXattr(entryPath(directory, bytes('file')), bytes('user.a'))).toEqual(bytes('x'));
    const place = openAt(directory, bytes('file'), O_PATH);
    expect(getXattr(`/proc/self/fd/${place}`, bytes('user.a'), { follow: true })).toEqual(bytes('x'));
    expect(() => getXattr(place, bytes('user.a'))).toThrow(expect.objectContaining({ code: 'EBADF' }));
    closeDescriptor(place);
    closeSync(directory);
  });

  it('keeps any value, and names that are no text', () => {
    const name = Uint8Array.of(...bytes('user.'), 0xff, 0x3d, 0x80);
    assert(
      property(uint8Array({ maxLength: 2500 }), (value) => {
        expect(setXattr(file(), name, value)).toBe('set');
        expect(getXattr(file(), name)).toEqual(value);
      }),
      { numRuns: 30 },
    );
    expect(listXattrs(file())).toContainEqual(name);
  });

  it.runIf(root)('has trusted and security attributes for root, on links, too', () => {
    expect(setXattr(link(), bytes('trusted.overlay.opaque'), bytes('y'))).toBe('set');
    expect(getXattr(link(), bytes('trusted.overlay.opaque'))).toEqual(bytes('y'));
    expect(listed(link())).toContain('trusted.overlay.opaque');
    const capability = Uint8Array.of(1, 0, 0, 2, 0, 4, 0, 0, ...new Uint8Array(12));
    expect(setXattr(file(), bytes('security.capability'), capability)).toBe('set');
    expect(getXattr(file(), bytes('security.capability'))).toEqual(capability);
  });

  it.runIf(hasProgram('getfattr'))('agrees with getfattr', () => {
    setXattr(file(), bytes('user.note'), bytes('größer'));
    const output = execFileSync('getfattr', ['--absolute-names', '--only-values', '-n', 'user.note', file()]);
    expect(output.toString()).toBe('größer');
  });

  it('says what a file system has not', () => {
    expect(setXattr('/proc/self/status', bytes('user.a'), bytes('x'))).toMatch(/^(unsupported|denied)$/);
    expect(getXattr('/proc/self/status', bytes('user.a'))).toBe('unsupported');
    expect(setXattr(file(), bytes('nonsense.a'), bytes('x'))).toBe('unsupported');
  });

  it('reports other failures', () => {
    expect(() => getXattr(`${file()}-none`, bytes('user.a'))).toThrow(expect.objectContaining({ code: 'ENOENT', syscall: 'getxattr' }));
    expect(() => listXattrs(123_456)).toThrow(expect.objectContaining({ code: 'EBADF' }));
    expect(() => setXattr(file(), bytes('user.'.padEnd(300, 'x')), bytes(''))).toThrow(expect.objectContaining({ code: 'ERANGE' }));
    expect(() => setXattr(file(), bytes('user.a'), new Uint8Array(70_000))).toThrow(expect.objectContaining({ code: 'E2BIG' }));
    expect(() => getXattr(file(), bytes('user.a\0b'))).toThrow(expect.objectContaining({ code: 'INVALID_NAME' }));
  });
});

describe('without koffi', async () => {
  const { getXattr, listXattrs, removeXattr, setXattr } = await load('fallbacks');
  it('is unsupported', () => {
    expect(getXattr('/', bytes('user.a'))).toBe('unsupported');
    expect(listXattrs('/')).toBe('unsupported');
    expect(setXattr('/', bytes('user.a'), bytes(''))).toBe('unsupported');
    expect(removeXattr('/', bytes('user.a'))).toBe('unsupported');
  });
});

describe('long lists and values', async () => {
  const { getXattr, listXattrs, setXattr } = await load('koffi');
  const path = useDirectory('/dev/shm');
  it.runIf(root)('are read as a whole', () => {
    const file = join(path(), 'file');
    writeFileSync(file, '');
    const value = new Uint8Array(65_536).fill(7);
    const large = setXattr(file, bytes('trusted.large'), value); // tmpfs has no limit below that of the kernel
    expect(large).toBe('set');
    expect(getXattr(file, bytes('trusted.large'))).toEqual(value);
    const names = Array.from({ length: 200 }, (_, index) => `trusted.${'x'.repeat(200)}${index}`);
    for (const name of names) setXattr(file, bytes(name), bytes(''));
    expect(listXattrs(file)).toHaveLength(201);
  });
});
