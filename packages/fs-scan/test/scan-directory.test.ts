import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, constants, linkSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromLatin1 } from '@cfskit/binary';
import { lookup, transformForOci } from '@cfskit/fs-tree';
import { closeDescriptor, linkAt, mkdirAt, mknodAt, O_PATH, openAt, setXattr, utimesAt } from '@cfskit/linux';
import { beforeEach, describe, expect, it } from 'vitest';
import { scanDirectory } from '../src/index.ts';
import { isRoot, useDirectory } from './directory.ts';
import { dump, dumpOfOwn } from './dump.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const { O_CREAT, O_DIRECTORY, O_WRONLY } = constants;

describe('scanDirectory', () => {
  const path = useDirectory(tmpdir());
  const at = (name: string): string => join(path(), name);
  beforeEach(() => chmodSync(path(), 0o755));

  it('gives the dump that the format wants', async () => {
    writeFileSync(at('inline'), 'a'.repeat(64));
    writeFileSync(at('object'), 'a'.repeat(65));
    writeFileSync(at('empty'), '');
    mkdirSync(at('sub/dir'), { recursive: true });
    symlinkSync('../inline', at('sub/link'));
    linkSync(at('object'), at('sub/other'));
    for (const [name, mode] of [
      ['inline', 0o4755],
      ['object', 0o644],
      ['empty', 0o600],
      ['sub', 0o755],
      ['sub/dir', 0o1777],
    ] as const) {
      chmodSync(at(name), mode);
    }
    execFileSync('find', [path(), '-depth', '-exec', 'touch', '-h', '-d', '@1700000000.000000001', '{}', ';']);
    const time = '1700000000.1';
    // fsverity digest --hash-alg=sha256 (fsverity-utils 1.5) of 65 letters a
    const id = '2468a46e176a177595e990eb47a412543db36d7026e1ba03efecc1bd81abdc1d';
    expect(await dumpOfOwn(path())).toEqual([
      `/ 0 40755 3 U G 0 ${time} - - -`,
      `/empty 0 100600 1 U G 0 ${time} - - -`,
      `/inline 64 104755 1 U G 0 ${time} - ${'a'.repeat(64)} -`,
      `/object 65 100644 2 U G 0 ${time} ${id.slice(0, 2)}/${id.slice(2)} - ${id}`,
      `/sub 0 40755 3 U G 0 ${time} - - -`,
      `/sub/dir 0 41777 2 U G 0 ${time} - - -`,
      `/sub/link 9 120777 1 U G 0 ${time} ../inline - -`,
      '/sub/other 0 @120000 - - - - 0.0 /object - -',
    ]);
  });

  it('keeps names that are no text', async () => {
    const names = ['\xff\xfe \\\n\t', '\x80\x9f\xa0', '\xc3\xa9', '-'];
    for (const name of names) writeFileSync(Buffer.concat([bytes(`${path()}/`), fromLatin1(name)]), name, 'latin1');
    const { root } = await scanDirectory(path(), { algorithm: 'sha256' });
    expect([...root.entries()].map(([name, node]) => [name, node.kind === 'file' && node.content])).toEqual(
      names.toSorted().map((name) => [name, { kind: 'inline', bytes: fromLatin1(name) }]),
    );
    expect((await dump(path())).at(-1)).toMatch(/^\/\\xff\\xfe\\x20\\\\\\n\\t 6 /);
  });

  it('takes the directory by a path that is no text, too', async () => {
    const inner = Buffer.concat([bytes(`${path()}/`), Uint8Array.of(0xfe, 0x2f)]);
    mkdirSync(inner);
    expect((await scanDirectory(inner, { algorithm: 'sha256' })).root.size).toBe(0);
  });

  it('has times to the nanosecond, before 1970 and after 2038', async () => {
    const directory = openSync(path(), 'r');
    for (const [name, seconds, nanoseconds] of [
      ['a', -1n, 999_999_999],
      ['b', -86_400n, 5],
      ['c', 2n ** 32n, 1],
    ] as const) {
      writeFileSync(at(name), '');
      utimesAt(directory, bytes(name), { mtime: { seconds, nanoseconds } });
    }
    closeSync(directory);
    const lines = await dump(path());
    expect(lines.slice(1).map((line) => line.split(' ')[7])).toEqual(['-1.999999999', '-86400.5', '4294967296.1']);
  });

  it('keeps FIFOs, sockets and devices, and hard links of all of them', async () => {
    const directory = openSync(path(), 'r');
    mknodAt(directory, bytes('fifo'), { type: 'fifo', mode: 0o600 });
    mknodAt(directory, bytes('socket'), { type: 'socket', mode: 0o600 });
    symlinkSync('nowhere', at('symlink'));
    const made = ['fifo', 'socket', 'symlink'];
    if (mknodAt(directory, bytes('chr'), { type: 'character-device', mode: 0o600, rdev: 0x103 }) === 'made') {
      mknodAt(directory, bytes('blk'), { type: 'block-device', mode: 0o660, rdev: 0xfff0_ff12 });
      mknodAt(directory, bytes('zero'), { type: 'character-device', mode: 0, rdev: 0 });
      made.push('chr', 'blk', 'zero');
    }
    for (const name of made) linkAt(directory, bytes(name), directory, bytes(`z-${name}`));
    closeSync(directory);
    const { root, stats } = await scanDirectory(path(), { algorithm: 'sha256' });
    for (const name of made) expect(root.get(`z-${name}`)).toBe(root.get(name));
    expect(stats).toMatchObject({ directories: 1, entries: made.length * 2, links: made.length, files: 0 });
    const nodes = [...root.entries()].filter(([name]) => !name.startsWith('z-'));
    expect(nodes.map(([name, node]) => [name, node.kind, 'rdev' in node ? node.rdev : undefined])).toEqual([
      ...(made.includes('blk')
        ? [
            ['blk', 'block-device', 0xfff0_ff12],
            ['chr', 'character-device', 0x103],
          ]
        : []),
      ['fifo', 'fifo', undefined],
      ['socket', 'socket', undefined],
      ['symlink', 'symlink', undefined],
      ...(made.includes('zero') ? [['zero', 'character-device', 0]] : []),
    ]);
  });

  it('makes one leaf of a hard link, or breaks it when told to', async () => {
    writeFileSync(at('a'), 'x'.repeat(100));
    linkSync(at('a'), at('b'));
    mkdirSync(at('sub'));
    linkSync(at('a'), at('sub/c'));
    const tracked = await scanDirectory(path(), { algorithm: 'sha512' });
    expect(lookup(tracked.root, '/sub/c')).toBe(tracked.root.get('a'));
    expect(tracked.root.get('b')).toBe(tracked.root.get('a'));
    expect(tracked.stats).toMatchObject({ entries: 3, files: 1, bytes: 100, links: 2, external: 1 });
    const broken = await scanDirectory(path(), { algorithm: 'sha512', hardLinks: 'broken' });
    expect(broken.root.get('b')).not.toBe(broken.root.get('a'));
    expect(broken.root.get('b')).toEqual(broken.root.get('a'));
    expect(broken.stats).toEqual(tracked.stats); // each file is still read once
  });

  it('reads extended attributes of files, directories and the root', async () => {
    writeFileSync(at('file'), '');
    mkdirSync(at('sub'));
    for (const [name, value] of [
      ['user.b', ''],
      ['user.a', '\0=\xff -'],
    ] as const) {
      setXattr(at('file'), bytes(name), fromLatin1(value));
      setXattr(at('sub'), bytes(name), fromLatin1(value));
    }
    setXattr(path(), bytes('user.root'), bytes('r'));
    const lines = await dumpOfOwn(path());
    expect(lines.map((line) => line.split(' ').slice(11).join(' '))).toEqual([
      'user.root=r',
      'user.a=\\x00\\x3d\\xff\\x20- user.b=',
      'user.a=\\x00\\x3d\\xff\\x20- user.b=',
    ]);
    const { root } = await scanDirectory(path(), { algorithm: 'sha256' });
    expect(root.get('file')?.stat.xattrs).toBe(root.get('sub')?.stat.xattrs); // equal sets are one
    const without = await scanDirectory(path(), { algorithm: 'sha256', xattrs: false });
    expect(without.root.stat.xattrs.size).toBe(0);
    expect(without.root.get('file')?.stat.xattrs.size).toBe(0);
  });

  it.runIf(isRoot)('reads extended attributes of links and devices', async () => {
    const directory = openSync(path(), 'r');
    symlinkSync('nowhere', at('symlink'));
    mknodAt(directory, bytes('chr'), { type: 'character-device', mode: 0o600, rdev: 0x103 });
    closeSync(directory);
    setXattr(at('symlink'), bytes('trusted.a'), bytes('of the link'));
    setXattr(at('chr'), bytes('trusted.b'), bytes('of the device'));
    const { root } = await scanDirectory(path(), { algorithm: 'sha256' });
    expect(root.get('symlink')?.stat.xattrs).toEqual(new Map([['trusted.a', 'of the link']]));
    expect(root.get('chr')?.stat.xattrs).toEqual(new Map([['trusted.b', 'of the device']]));
  });

  it('reaches files whose paths are longer than the kernel takes', async () => {
    const levels = 40;
    const last = deepen(path(), levels, 'n'.repeat(200));
    const fd = openAt(last, bytes('leaf'), O_WRONLY | O_CREAT);
    closeDescriptor(fd);
    closeDescriptor(last);
    const lines = await dump(path());
    expect(lines).toHaveLength(levels + 2);
    expect(lines.at(-1)).toMatch(/\/leaf 0 100/);
  });

  it('stops where directories nest deeper than images hold', async () => {
    closeDescriptor(deepen(path(), 2048, 'd'));
    await expect(scanDirectory(path(), { algorithm: 'sha256' })).rejects.toMatchObject({ code: 'TOO_DEEP' });
  });

  it('gives trees that can be transformed as those of layers', async () => {
    mkdirSync(at('usr'));
    mkdirSync(at('run/something'), { recursive: true });
    const { root } = await scanDirectory(path(), { algorithm: 'sha256' });
    transformForOci(root);
    expect(lookup(root, '/run')).toMatchObject({ size: 0 });
  });

  it.each(['symlink', 'file', 'none'])('refuses what is no directory: %s', async (name) => {
    symlinkSync('.', at('symlink'));
    writeFileSync(at('file'), '');
    await expect(scanDirectory(at(name), { algorithm: 'sha256' })).rejects.toMatchObject({
      name: 'FsScanError',
      code: name === 'none' ? 'UNREADABLE' : 'NOT_A_DIRECTORY',
      path: '/',
    });
  });

  it.skipIf(isRoot)('names what it may not read', async () => {
    writeFileSync(at('secret'), 'x'.repeat(100), { mode: 0 });
    await expect(scanDirectory(path(), { algorithm: 'sha256' })).rejects.toMatchObject({
      code: 'UNREADABLE',
      path: '/secret',
      message: 'cannot be read (EACCES): /secret',
      cause: { code: 'EACCES' },
    });
  });
});

/** Make directories of one name in one another; the descriptor of the last. */
function deepen(path: string, levels: number, name: string): number {
  let directory = openSync(path, 'r');
  for (let level = 0; level < levels; level++) {
    mkdirAt(directory, bytes(name), 0o755);
    const next = openAt(directory, bytes(name), O_PATH | O_DIRECTORY);
    closeDescriptor(directory);
    directory = next;
  }
  return directory;
}
