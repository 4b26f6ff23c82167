import { readdirSync, type Dirent } from 'node:fs';
import { hasCode } from './errors.ts';
import type { Category } from './names.ts';

/** What a directory entry is, spelled as the reference reports it. */
type FileKind = 'BlockDevice' | 'CharacterDevice' | 'Directory' | 'Fifo' | 'RegularFile' | 'Socket' | 'Symlink' | 'Unknown';

/** One entry below the root of a repository. Names need not be UTF-8, so the real path is made of bytes. */
export interface DirectoryEntry {
  readonly kind: FileKind;
  /** Relative to the root, for people. */
  readonly path: string;
  /** The name alone; undefined if it is not UTF-8. */
  readonly name: string | undefined;
  /** The whole path, as the system knows it. */
  readonly file: Buffer;
}

/** Entries of a directory of the repository, in the order of their bytes. A missing one is empty. */
export function readDirectory(root: string, path: string): readonly DirectoryEntry[] {
  return entriesOf({ kind: 'Directory', path, name: path, file: Buffer.from(`${root}/${path}`) });
}

/** What stands directly in `images/` or `streams/`, apart from `refs`. */
export function firstLevel(root: string, category: Category): readonly DirectoryEntry[] {
  return readDirectory(root, category).filter(({ name }) => name !== 'refs');
}

/** Everything below a directory that is not itself a directory, in the order of the paths. */
export function* walk(root: string, path: string): Generator<DirectoryEntry, void> {
  const open = [readDirectory(root, path).values()];
  for (let entries = open.at(-1); entries !== undefined; entries = open.at(-1)) {
    const { value, done } = entries.next();
    if (done === true) open.pop();
    else if (value.kind === 'Directory') open.push(entriesOf(value).values());
    else yield value;
  }
}

function entriesOf({ path, file }: DirectoryEntry): readonly DirectoryEntry[] {
  return read(file)
    .toSorted((one, other) => Buffer.compare(one.name, other.name))
    .map((entry) => ({
      kind: kindOf(entry),
      path: `${path}/${entry.name.toString()}`,
      name: utf8(entry.name),
      file: Buffer.concat([file, SLASH, entry.name]),
    }));
}

function read(file: Buffer): Dirent<Buffer>[] {
  try {
    return readdirSync(file, { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

function kindOf(entry: Dirent<Buffer>): FileKind {
  if (entry.isSymbolicLink()) return 'Symlink';
  if (entry.isDirectory()) return 'Directory';
  if (entry.isFile()) return 'RegularFile';
  if (entry.isFIFO()) return 'Fifo';
  if (entry.isSocket()) return 'Socket';
  if (entry.isCharacterDevice()) return 'CharacterDevice';
  return entry.isBlockDevice() ? 'BlockDevice' : 'Unknown';
}

function utf8(name: Buffer): string | undefined {
  const text = name.toString();
  return Buffer.from(text).equals(name) ? text : undefined;
}

const SLASH = Buffer.from('/');
