import { closeSync, constants, fchmodSync, openSync, writeSync } from 'node:fs';
import { fromLatin1 } from '@cfskit/binary';
import { Directory, NO_XATTRS, type ByteString, type Leaf, type Stat, type Time } from '@cfskit/fs-tree';
import { fsVerityDigest } from '@cfskit/fs-verity';
import { chmodAt, closeDescriptor, linkAt, mkdirAt, mknodAt, openAt, symlinkAt, utimesAt, utimesDescriptor } from '@cfskit/linux';

/** One thing to make. `parent` and `source` choose among what is there already. */
export interface Step {
  readonly kind: 'directory' | 'file' | 'symlink' | 'fifo' | 'link';
  readonly name: ByteString;
  readonly parent: number;
  readonly source: number;
  readonly mode: number;
  readonly mtime: Time;
  readonly content: Uint8Array;
  readonly target: ByteString;
}

interface MadeDirectory {
  readonly node: Directory;
  readonly fd: number;
}

interface MadeName {
  readonly directory: number;
  readonly name: Uint8Array;
  readonly leaf: Leaf;
}

/** The same tree twice: on disk, by system calls, and in memory, by the model. */
export class TwinTrees {
  readonly root: Directory;
  readonly #directories: MadeDirectory[];
  readonly #names: MadeName[] = [];

  /** @param path an empty directory */
  constructor(path: string) {
    this.root = new Directory(statOf(0o755, { seconds: 1n, nanoseconds: 2 }));
    this.#directories = [{ node: this.root, fd: openSync(path, 'r') }];
  }

  make(step: Step): void {
    const { node, fd } = this.#directories.at(step.parent % this.#directories.length)!;
    if (node.get(step.name) !== undefined) return;
    const name = fromLatin1(step.name);
    if (step.kind === 'directory') return this.#makeDirectory(node, fd, name, step);
    const leaf = step.kind === 'link' ? this.#link(fd, name, step.source) : makeLeaf(fd, name, step);
    if (leaf === undefined) return;
    node.insert(step.name, leaf);
    this.#names.push({ directory: fd, name, leaf });
  }

  /** Directories get their permissions and times last: making entries needs the ones and changes the others. */
  finish(): void {
    for (const { node, fd } of this.#directories) {
      fchmodSync(fd, node.stat.mode);
      utimesDescriptor(fd, node.stat);
      closeSync(fd);
    }
  }

  #makeDirectory(node: Directory, fd: number, name: Uint8Array, step: Step): void {
    mkdirAt(fd, name, 0o700);
    const child = new Directory(statOf(step.mode | 0o700, step.mtime)); // the scan must be able to read it
    node.insert(step.name, child);
    this.#directories.push({ node: child, fd: openAt(fd, name, constants.O_RDONLY | constants.O_DIRECTORY) });
  }

  #link(fd: number, name: Uint8Array, source: number): Leaf | undefined {
    if (this.#names.length === 0) return undefined;
    const chosen = this.#names.at(source % this.#names.length)!;
    return linkAt(chosen.directory, chosen.name, fd, name) === 'linked' ? chosen.leaf : undefined;
  }
}

function makeLeaf(fd: number, name: Uint8Array, { kind, mode, mtime, content, target }: Step): Leaf {
  if (kind === 'symlink') {
    symlinkAt(fromLatin1(target), fd, name);
    utimesAt(fd, name, { mtime });
    return { kind, stat: statOf(0o777, mtime), target };
  }
  const readable = mode | 0o400;
  if (kind === 'fifo') mknodAt(fd, name, { type: 'fifo', mode: 0o600 });
  else writeFile(fd, name, content);
  chmodAt(fd, name, readable);
  utimesAt(fd, name, { mtime });
  const stat = statOf(readable, mtime);
  if (kind === 'fifo') return { kind, stat };
  if (content.byteLength <= 64) return { kind: 'file', stat, content: { kind: 'inline', bytes: content } };
  const objectId = fsVerityDigest(content, 'sha256');
  return { kind: 'file', stat, content: { kind: 'external', objectId, size: content.byteLength } };
}

function writeFile(directory: number, name: Uint8Array, content: Uint8Array): void {
  const fd = openAt(directory, name, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL);
  if (content.byteLength > 0) writeSync(fd, content);
  closeDescriptor(fd);
}

function statOf(mode: number, mtime: Time): Stat {
  return { mode, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, mtime, xattrs: NO_XATTRS };
}
