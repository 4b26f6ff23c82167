import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withTempDir } from '@cfskit/fixtures';
import { Directory, parseDumpfile, type FileContent } from '@cfskit/fs-tree';
import { expect, it } from 'vitest';
import { extractTree, type ExtractOptions, type ExtractResult } from '../src/index.ts';
import { asNobody, isRoot } from './support/programs.ts';

const uid = process.getuid?.() ?? 0;
const gid = process.getgid?.() ?? 0;
const owner = `${uid} ${gid}`;
const ID = 'ab'.repeat(32);
const DUMP = `/ 0 40750 4 ${owner} 0 3.0 - - -
/etc 0 40711 2 ${owner} 0 4.500000000 - - -
/etc/fifo 0 10600 1 ${owner} 0 5.0 - - -
/etc/link 0 120777 1 ${owner} 0 6.0 ../../outside - -
/etc/small 6 104640 2 ${owner} 0 7.250000000 - small\\n -
/usr 0 40710 3 ${owner} 0 8.0 - - -
/usr/bin 0 40755 2 ${owner} 0 9.0 - - -
/usr/bin/large 9 100755 1 ${owner} 0 10.0 - - ${ID}
/usr/small 0 @100644 - - - - 0.0 /etc/small - -
/usr/socket 0 140755 1 ${owner} 0 11.0 - - -
`;
const tree = parseDumpfile(new TextEncoder().encode(DUMP));

async function* read(content: FileContent): AsyncGenerator<Uint8Array, void> {
  if (content.kind === 'inline') yield content.bytes;
  else {
    yield Buffer.from('nine');
    yield Buffer.from('bytes');
  }
}

async function* failing(): AsyncGenerator<Uint8Array, void> {
  yield Buffer.from('nine');
  throw new Error('damaged');
}

async function* long(): AsyncGenerator<Uint8Array, void> {
  yield new Uint8Array(10);
}

const extract = (to: string, options?: ExtractOptions): Promise<ExtractResult> => extractTree(tree, to, read, options);
const below = (directory: string): string[] => readdirSync(directory, { recursive: true }).map(String).toSorted();
const stat = (path: string): [string, number] => [lstatSync(path).mode.toString(8), lstatSync(path).mtimeMs];

it('extracts everything, with metadata and links', async () => {
  await withTempDir(async (directory) => {
    const to = join(directory, 'to');
    const warnings: string[] = [];
    const result = await extract(to, { onWarning: (text) => void warnings.push(text) });
    expect(below(to)).toEqual(['etc', 'etc/fifo', 'etc/link', 'etc/small', 'usr', 'usr/bin', 'usr/bin/large', 'usr/small']);
    expect(result).toEqual({
      bytes: 15,
      report: { ownersSkipped: 0, xattrsSkipped: 0, devicesSkipped: 0, linksCopied: 0, timesRounded: 0 },
    });
    expect(warnings).toEqual(['1 sockets were left out']);
    expect(readFileSync(join(to, 'usr/bin/large'), 'utf8')).toBe('ninebytes');
    expect(lstatSync(join(to, 'etc/small')).ino).toBe(lstatSync(join(to, 'usr/small')).ino);
    expect(readlinkSync(join(to, 'etc/link'))).toBe('../../outside');
    expect(stat(to)).toEqual(['40750', 3000]);
    expect(stat(join(to, 'etc'))).toEqual(['40711', 4500]);
    expect(stat(join(to, 'etc/small'))).toEqual(['104640', 7250]);
    expect(stat(join(to, 'usr'))).toEqual(['40710', 8000]);
  });
});

it('extracts what is asked for, at its path', async () => {
  await withTempDir(async (directory) => {
    const to = join(directory, 'to');
    await extract(to, { paths: ['usr/bin/', '/etc/small', '/etc/small'] });
    expect(below(to)).toEqual(['etc', 'etc/small', 'usr', 'usr/bin', 'usr/bin/large']);
    expect(stat(join(to, 'usr'))).toEqual(['40710', 8000]); // on the way, as in the tree
    await expect(extract(join(directory, 'none'), { paths: ['/usr', '/nothing'] })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(extract(join(directory, 'none'), { paths: ['/etc/../usr'] })).rejects.toMatchObject({ code: 'INVALID_PATH' });
    expect(existsSync(join(directory, 'none'))).toBe(false);
  });
});

it('leaves directories alone that are there and on the way only, and follows no link in them', async () => {
  await withTempDir(async (directory) => {
    const to = join(directory, 'to');
    mkdirSync(join(to, 'usr'), { recursive: true, mode: 0o700 });
    await expect(extract(to)).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
    await extract(to, { paths: ['/usr/bin'], merge: true });
    expect(stat(join(to, 'usr'))[0]).toBe('40700');
    mkdirSync(join(directory, 'outside'));
    symlinkSync('../outside', join(to, 'etc'));
    await expect(extract(to, { paths: ['/etc/small'], merge: true })).rejects.toMatchObject({ code: 'TARGET_BLOCKED' });
    expect(readdirSync(join(directory, 'outside'))).toEqual([]);
    writeFileSync(join(to, 'usr/small'), 'in the way');
    await extract(to, { paths: ['/usr/small'], merge: true });
    expect(readFileSync(join(to, 'usr/small'), 'utf8')).toBe('small\n');
  });
});

it('fails with the content that fails', async () => {
  await withTempDir(async (directory) => {
    await expect(extractTree(tree, join(directory, 'a'), failing, { paths: ['/usr/bin'] })).rejects.toThrow('damaged');
    await expect(extractTree(tree, join(directory, 'b'), long, { paths: ['/usr/bin'] })).rejects.toThrow(
      'content of 10 bytes for a file of 9',
    );
    expect(lstatSync(join(directory, 'b/usr/bin/large')).size).toBe(0);
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(extract(join(directory, 'c'), { signal })).rejects.toThrow('stopped');
  });
});

it.runIf(!isRoot)('counts what an ordinary user cannot have', async () => {
  await withTempDir(async (directory) => {
    const mine = parseDumpfile(new TextEncoder().encode(DUMP.replaceAll(` ${owner} `, ' 0 0 ')));
    const { report } = await extractTree(mine, join(directory, 'to'), read);
    expect(report.ownersSkipped).toBe(8);
    await expect(extractTree(mine, join(directory, 'other'), read, { owner: 'require' })).rejects.toMatchObject({ code: 'OWNER_REFUSED' });
  });
});

const DEVICE = `/ 0 40750 3 ${owner} 0 3.0 - - -
/d 0 40711 2 ${owner} 0 4.0 - - -
/d/c 0 20644 2 ${owner} 259 5.0 - - -
/d/c2 0 @120000 - - - - 0.0 /d/c - -
`;

it('leaves out every name of a device that this user may not make', () =>
  withTempDir(async (directory) => {
    chmodSync(directory, 0o777);
    const device = parseDumpfile(new TextEncoder().encode(DEVICE));
    const { report } = await asNobody(() => extractTree(device, join(directory, 'out'), read, { owner: 'ignore' }));
    expect([report.devicesSkipped, readdirSync(join(directory, 'out/d'))]).toEqual([2, []]);
  }));

it('ends when the caller gives up, also where reading never waits', () =>
  withTempDir(async (directory) => {
    const files = Array.from({ length: 5000 }, (_, i) => `/f${i} 1 100644 1 ${owner} 0 0.0 - x -\n`).toSorted();
    const many = parseDumpfile(new TextEncoder().encode(`/ 0 40755 2 ${owner} 0 0.0 - - -\n${files.join('')}`));
    const abort = new AbortController();
    const readOne = (content: FileContent): AsyncIterable<Uint8Array> => {
      setImmediate(() => abort.abort(new Error('enough')));
      return read(content);
    };
    await expect(extractTree(many, join(directory, 'out'), readOne, { signal: abort.signal })).rejects.toThrow('enough');
  }));

it('a tree of nothing is an empty directory', async () => {
  await withTempDir(async (directory) => {
    await extractTree(new Directory(tree.stat), join(directory, 'to'), read);
    expect(below(join(directory, 'to'))).toEqual([]);
  });
});
