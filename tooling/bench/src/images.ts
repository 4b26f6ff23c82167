import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inPairs, onPath, timeOnce, type Command } from './measure.ts';

/** What `bench images` takes. */
export interface ImagesBenchOptions {
  /** Entries of the generated tree. */
  readonly entries: number;
  readonly pairs: number;
}

const CFSKIT = fileURLToPath(new URL('../../../apps/cli/bin/cfskit.js', import.meta.url));
const TMPFS = '/dev/shm';

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

const nothing = (): void => undefined;

function cfskit(label: string, ...argv: readonly string[]): Command {
  return { label, argv: [process.execPath, CFSKIT, ...argv], prepare: nothing };
}

/** The program of composefs 1.0, if it is installed: ours has the same name, in a directory of packages. */
function classicProgram(): string | undefined {
  const directories = (process.env['PATH'] ?? '').split(delimiter).filter((directory) => !directory.includes('node_modules'));
  return directories.map((directory) => join(directory, 'mkcomposefs')).find((path) => isClassic(path));
}

function isClassic(path: string): boolean {
  return existsSync(path) && spawnSync(path, [], { encoding: 'utf8' }).stderr.startsWith('No source path specified');
}

/**
 * A dumpfile like that of an operating system: directories of 20 to 99 entries, six of ten of them external files, two small ones, a link and
 * an empty file with an attribute.
 */
function generateDump(entries: number): string {
  const lines = ['/ 4096 40755 2 0 0 0 1700000000.0 - - -'];
  for (let directory = 0; lines.length < entries; directory++) {
    const path = `/d${String(directory).padStart(5, '0')}`;
    lines.push(`${path} 4096 40755 2 0 0 0 ${1_700_000_000 + directory}.0 - - -`);
    for (let index = 0; index < 20 + (directory % 80) && lines.length < entries; index++) {
      lines.push(entryLine(`${path}/file-${String(index).padStart(4, '0')}.txt`, lines.length));
    }
  }
  return `${lines.join('\n')}\n`;
}

function entryLine(path: string, number: number): string {
  const kind = number % 10;
  if (kind < 6) {
    const digest = createHash('sha256').update(path).digest('hex');
    const label = number % 50 === 0 ? ' security.selinux=system_u:object_r:usr_t:s0' : '';
    const times = `${1_700_000_000 + (number % 1000)}.${(number * 7) % 1e9}`;
    return `${path} ${1000 + number} 100644 1 ${(number % 3) * 1000} 0 0 ${times} ${digest.slice(0, 2)}/${digest.slice(2)} - ${digest}${label}`;
  }
  if (kind < 8) return `${path} 5 100644 1 0 0 0 1700000000.0 - hello -`;
  return kind < 9
    ? `${path} 10 120777 1 0 0 0 1700000000.0 target/abc - -`
    : `${path} 0 100600 1 0 0 0 1700000000.0 - - - user.x=${number % 7}`;
}

/** A directory with files of up to 64 KiB, about 30 KiB on average. */
function generateDirectory(root: string, files: number): void {
  const content = Buffer.alloc(65_536, 'some content that no two files share\n');
  for (let index = 0; index < files; index++) {
    const directory = join(root, `usr/share/d${index % 200}`);
    if (index < 200) mkdirSync(directory, { recursive: true });
    content.writeUInt32LE(index, 0);
    writeFileSync(join(directory, `file-${index}`), content.subarray(0, (index * 7919) % 65_536));
  }
}

async function compareWriters(place: string, dump: string, pairs: number): Promise<void> {
  const theirs = classicProgram();
  const ours = cfskit('cfskit mkcomposefs --from-file', 'mkcomposefs', '--from-file', '--print-digest', dump, join(place, 'ours.cfs'));
  if (theirs === undefined) {
    print(`mkcomposefs: not on PATH, not compared; ours: ${(await timeOnce(ours)).seconds.toFixed(2)} s`);
    return;
  }
  const argv = [theirs, '--from-file', '--print-digest', dump, join(place, 'theirs.cfs')] as const;
  await inPairs(ours, { label: 'mkcomposefs --from-file', argv, prepare: nothing }, pairs, print);
}

async function compareScans(root: string, pairs: number): Promise<void> {
  for (const hash of ['sha256', 'sha512']) {
    const ours = cfskit(`cfskit compute-id, ${hash}`, 'compute-id', '-q', '--no-repo', '--hash', hash, root);
    const theirs: Command = {
      label: 'cfsctl compute-id',
      argv: ['cfsctl', '--no-repo', '--hash', hash, 'compute-id', root],
      prepare: nothing,
    };
    if (onPath('cfsctl')) await inPairs(ours, theirs, pairs, print);
    else print(`cfsctl: not on PATH, not compared; ours, ${hash}: ${(await timeOnce(ours)).seconds.toFixed(2)} s`);
  }
}

async function measureReading(image: string, dump: string): Promise<void> {
  const commands = [
    cfskit('ls of a directory', 'ls', '--no-repo', image, '/d00000'),
    cfskit('cat of a small file', 'cat', '--no-repo', image, '/d00000/file-0004.txt'),
    cfskit('composefs-info dump', 'composefs-info', 'dump', image),
    cfskit('diff of image and dumpfile', 'diff', '--no-repo', image, dump),
  ];
  for (const command of commands) {
    const { seconds, peakKiB } = await timeOnce(command);
    print(`${command.label}: ${seconds.toFixed(2)} s, ${Math.round(peakKiB / 1024)} MiB`);
  }
}

/** Images as whole processes: `mkcomposefs --from-file` against that of composefs 1.0, `compute-id` against cfsctl, and reading. */
export async function benchImages({ entries, pairs }: ImagesBenchOptions): Promise<void> {
  const place = mkdtempSync(join(existsSync(TMPFS) ? TMPFS : tmpdir(), 'cfskit-bench-'));
  try {
    const dump = join(place, 'tree.dump');
    writeFileSync(dump, generateDump(entries));
    print(`dumpfile of ${entries} entries, on ${place}`);
    await compareWriters(place, dump, pairs);
    await measureReading(join(place, 'ours.cfs'), dump);
    const root = join(place, 'root');
    const files = Math.max(200, Math.round(entries / 10));
    generateDirectory(root, files);
    print(`directory of ${files} files`);
    await compareScans(root, pairs);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
