import { execFileSync } from 'node:child_process';
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bytes } from './bytes.ts';
import { load, MEANS, useDirectory } from './means.ts';

const root = process.getuid?.() === 0;
const odd = Uint8Array.of(0x2d, 0xff, 0x0a); // begins like an option and is no UTF-8

describe.each(MEANS)('making entries by %s', async (means) => {
  const { entryPath, linkAt, mkdirAt, mknodAt, symlinkAt } = await load(means);
  const path = useDirectory('/dev/shm');
  let directory = -1;
  beforeEach(() => {
    directory = openSync(path(), 'r');
  });
  afterEach(() => closeSync(directory));

  it('makes directories', () => {
    expect(mkdirAt(directory, odd, 0o750)).toBe('made');
    expect(lstatSync(entryPath(directory, odd)).mode).toBe(0o040750 & ~process.umask());
    expect(mkdirAt(directory, odd)).toBe('exists');
    expect(() => mkdirAt(directory, bytes('..'))).toThrow(expect.objectContaining({ code: 'INVALID_NAME' }));
  });

  it('makes symbolic links that hold any bytes', () => {
    const target = Uint8Array.of(0x2f, 0x80, 0x20, 0x2e, 0x2e, 0x2f);
    expect(symlinkAt(target, directory, odd)).toBe('made');
    expect(Uint8Array.from(readlinkSync(entryPath(directory, odd), 'buffer'))).toEqual(target);
    expect(symlinkAt(target, directory, odd)).toBe('exists');
  });

  it('makes hard links, of symbolic links, too', () => {
    writeFileSync(join(path(), 'file'), 'content');
    symlinkSync('file', join(path(), 'link'));
    mkdirSync(join(path(), 'sub'));
    const sub = openSync(join(path(), 'sub'), 'r');
    expect(linkAt(directory, bytes('file'), sub, odd)).toBe('linked');
    expect(readFileSync(entryPath(sub, odd), 'utf8')).toBe('content');
    expect(linkAt(directory, bytes('link'), sub, bytes('link2'))).toBe('linked');
    expect(readlinkSync(join(path(), 'sub/link2'))).toBe('file');
    expect(linkAt(directory, bytes('file'), sub, odd)).toBe('exists');
    expect(linkAt(directory, bytes('sub'), directory, bytes('sub2'))).toBe('refused');
    expect(() => linkAt(directory, bytes('none'), sub, bytes('x'))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    closeSync(sub);
  });

  it.skipIf(statSync(tmpdir()).dev === statSync('/dev/shm').dev)('makes no hard links across file systems', () => {
    writeFileSync(join(path(), 'file'), '');
    const elsewhere = openSync(tmpdir(), 'r');
    expect(linkAt(directory, bytes('file'), elsewhere, bytes('cfskit-linux-never-made'))).toBe('refused');
    closeSync(elsewhere);
  });

  it('makes FIFOs for everybody', () => {
    expect(mknodAt(directory, odd, { type: 'fifo', mode: 0o640 })).toBe('made');
    expect(lstatSync(entryPath(directory, odd)).mode).toBe(0o010640 & ~process.umask());
    expect(mknodAt(directory, odd, { type: 'fifo', mode: 0o640 })).toBe('exists');
    expect(readdirSync(path()).length).toBe(1);
  });

  it.runIf(root)('makes devices for root', () => {
    const nodes = [
      ['zero', { type: 'character-device', mode: 0o600, rdev: 0 }],
      ['null', { type: 'character-device', mode: 0o666, rdev: 0x103 }],
      ['sda1', { type: 'block-device', mode: 0o660, rdev: 0x801 }],
      ['large', { type: 'block-device', mode: 0o660, rdev: 0xfffffffe }],
    ] as const;
    for (const [name, node] of nodes) {
      expect(mknodAt(directory, bytes(name), node)).toBe('made');
      expect(statSync(join(path(), name)).rdev).toBe(node.rdev);
    }
    const listed = execFileSync('stat', ['-c', '%n %F %t:%T', ...nodes.map(([name]) => name)], { cwd: path(), encoding: 'utf8' });
    expect(listed).toBe(
      'zero character special file 0:0\nnull character special file 1:3\nsda1 block special file 8:1\nlarge block special file fff:ffffe\n',
    );
  });

  it.runIf(means === 'koffi')('makes socket files', () => {
    expect(mknodAt(directory, odd, { type: 'socket', mode: 0o755 })).toBe('made');
    expect(lstatSync(entryPath(directory, odd)).isSocket()).toBe(true);
  });

  it.skipIf(means === 'koffi')('makes no socket files', () => {
    expect(() => mknodAt(directory, odd, { type: 'socket', mode: 0o755 })).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
  });
});

it('says when nothing can make a FIFO', async () => {
  const { mknodAt } = await load('fallbacks');
  vi.stubEnv('PATH', '/nonexistent');
  expect(() => mknodAt(0, odd, { type: 'fifo', mode: 0o600 })).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
  vi.unstubAllEnvs();
});
