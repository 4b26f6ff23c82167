import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { reconstruct, type TarEntry } from '../src/index.ts';
import { collect, cutEvery, listAll, openPieces, splitChunks, splitWhole, storedChunks, utf8, type Piece } from './support.ts';

const PYTHON = `
import sys, tarfile
with tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=getattr(tarfile, sys.argv[1])) as archive:
    archive.add('tree')
`;

/** Archive writers and the formats they know. Each archives the directory `tree` of its working directory to stdout. */
const writers: readonly { readonly tool: string; readonly formats: readonly string[]; readonly args: (format: string) => string[] }[] = [
  {
    tool: 'tar',
    formats: ['v7', 'oldgnu', 'gnu', 'ustar', 'pax'],
    args: (format) => [`--format=${format}`, '--numeric-owner', '-cf', '-', 'tree'],
  },
  { tool: 'python3', formats: ['USTAR_FORMAT', 'GNU_FORMAT', 'PAX_FORMAT'], args: (format) => ['-c', PYTHON, format] },
];

function isAbsent(tool: string): boolean {
  try {
    execFileSync(tool, ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return true;
  }
}

const top = mkdtempSync(join(tmpdir(), 'tar-split-'));
afterAll(() => rmSync(top, { recursive: true }));
makeTree(join(top, 'tree'));

describe.each(writers)('$tool', ({ tool, formats, args }) => {
  it.skipIf(!process.env['CI'] && isAbsent(tool)).each(formats)('format %s', async (format) => {
    const tar = execFileSync(tool, args(format), { cwd: top, maxBuffer: 64 * 1024 * 1024 });
    const { pieces, result } = splitWhole(tar);
    expect(splitChunks(cutEvery(tar, 4093))).toEqual({ pieces, result });
    expect(Buffer.compare(await collect(reconstruct(storedChunks(pieces), openPieces(pieces))), tar)).toBe(0);
    const { entries, error } = await listAll(storedChunks(pieces));
    expect(error).toBeUndefined();
    const shown = entries.map((entry) => describeListed(entry, pieces)).toSorted();
    const names = ['tree', ...readdirSync(join(top, 'tree'), { recursive: true }).map((name) => join('tree', String(name)))];
    const links = new Set(entries.flatMap((entry) => (entry.type === 'hard-link' ? [utf8(entry.path)] : [])));
    expect(shown).toEqual(names.map((name) => describeFile(`/${name}`, links)).toSorted());
  });
});

/** Only names and numbers that the oldest format can hold. */
function makeTree(tree: string): void {
  mkdirSync(join(tree, 'd/e'), { recursive: true });
  for (const size of [0, 1, 63, 64, 65, 511, 512, 513, 1023, 1024, 1025, 100_000]) {
    writeFileSync(
      join(tree, `size-${size}`),
      Uint8Array.from({ length: size }, (_, i) => (i * 31 + size) & 0xff),
    );
  }
  writeFileSync(join(tree, 'd/with space'), 'x');
  writeFileSync(join(tree, 'd/größe'), 'utf-8 name');
  writeFileSync(join(tree, 'd/e/two\nlines'), 'x'.repeat(100));
  writeFileSync(join(tree, 'n'.repeat(90)), 'long name');
  symlinkSync('../size-1', join(tree, 'd/link'));
  symlinkSync('t'.repeat(99), join(tree, 'dangling'));
  linkSync(join(tree, 'size-65'), join(tree, 'd/hard'));
  chmodSync(join(tree, 'size-64'), 0o4711);
  utimesSync(join(tree, 'size-1'), 1_000_000_000, 1_000_000_000);
}

// Metadata of a hard link's own entry does not count; the target's content does.
function describeListed(entry: TarEntry, pieces: readonly Piece[]): string {
  const path = utf8(entry.path);
  if (entry.type === 'hard-link') return `${path} ${readFileSync(top + utf8(entry.target)).toString('base64')}`;
  const stat = `${path} ${entry.type} ${(entry.mode & 0o7777).toString(8)} ${entry.uid}:${entry.gid} ${entry.mtime.seconds}`;
  if (entry.type === 'symlink') return `${stat} ${utf8(entry.target)}`;
  if (entry.type !== 'file') return stat;
  const objects = pieces.filter(({ kind }) => kind === 'external');
  const bytes = entry.content.kind === 'inline' ? entry.content.bytes : objects.at(Number(entry.content.objectId))!.bytes;
  return `${stat} ${Buffer.from(bytes).toString('base64')}`;
}

function describeFile(path: string, links: ReadonlySet<string>): string {
  const stat = lstatSync(top + path);
  const owner = `${(stat.mode & 0o7777).toString(8)} ${stat.uid}:${stat.gid} ${Math.floor(stat.mtimeMs / 1000)}`;
  if (stat.isDirectory()) return `${path} directory ${owner}`;
  if (stat.isSymbolicLink()) return `${path} symlink ${owner} ${readlinkSync(top + path)}`;
  const content = readFileSync(top + path).toString('base64');
  return links.has(path) ? `${path} ${content}` : `${path} file ${owner} ${content}`;
}
