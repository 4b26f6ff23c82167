import { constants, openSync, readdirSync, readSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { toLatin1 } from '@cfskit/binary';
import { kindOf, PERMISSIONS, type ByteString, type Xattrs } from '@cfskit/fs-tree';
import { closeDescriptor, entryPath, getXattr, listXattrs, readlinkAt, statAt, statDescriptor, type FileStatus } from '@cfskit/linux';
import { createHash } from '@cfskit/oci-spec';
import { hasCode, RenderError } from './errors.ts';
import { openBelow } from './open-below.ts';
import { noDigest, type ListedEntry, type TreeListing } from './tree-listing.ts';
import { Turns } from './turns.ts';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;
const CHUNK = 1024 * 1024;

/**
 * The tree below a directory. No symbolic link is followed but one in the last component of the path itself.
 *
 * @throws {LinuxError} ENOENT, ENOTDIR, EACCES for the directory itself. The signal's reason
 */
export async function listDirectory(path: string, signal?: AbortSignal): Promise<TreeListing> {
  const root = openSync(path, DIRECTORY);
  const entries = new Map<ByteString, ListedEntry>();
  const turns = new Turns(signal);
  try {
    entries.set(
      '',
      listed(root, '', statDescriptor(root), () => xattrsOf(root), ''),
    );
    const waiting: ByteString[] = [''];
    for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
      for (const child of tryListEntries(root, directory, entries)) waiting.push(child);
      await turns.take();
    }
  } catch (error) {
    closeDescriptor(root);
    throw error;
  }
  return { entries, close: () => Promise.resolve(closeDescriptor(root)) };
}

/** A directory that this user may not look into is marked, unless it is the first one. */
function tryListEntries(root: number, path: ByteString, entries: Map<ByteString, ListedEntry>): ByteString[] {
  try {
    return listEntries(root, path, entries);
  } catch (error) {
    if (path === '' || !hasCode(error, 'EACCES', 'EPERM')) throw error;
    entries.set(path, { ...entries.get(path)!, unreadable: (error as NodeJS.ErrnoException).code! });
    return [];
  }
}

/** Add what one directory holds. @returns the directories in it */
function listEntries(root: number, path: ByteString, entries: Map<ByteString, ListedEntry>): ByteString[] {
  const directories: ByteString[] = [];
  const fd = path === '' ? root : openBelow(root, path, DIRECTORY);
  try {
    for (const name of readdirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' })) {
      const child = path === '' ? toLatin1(name) : `${path}/${toLatin1(name)}`;
      const status = statAt(fd, name);
      const kind = kindOf(status.mode);
      const target = kind === 'symlink' ? toLatin1(readlinkAt(fd, name)) : '';
      entries.set(
        child,
        listed(root, child, status, () => xattrsOf(entryPath(fd, name)), target),
      );
      if (kind === 'directory') directories.push(child);
    }
  } finally {
    if (fd !== root) closeDescriptor(fd);
  }
  return directories;
}

function listed(root: number, path: ByteString, status: FileStatus, readXattrs: () => Xattrs | undefined, target: ByteString): ListedEntry {
  const kind = kindOf(status.mode);
  if (kind === undefined) throw new RenderError('INVALID_HEADER', `a file of no known type: ${path}`, { path });
  const { uid, gid, mtime, size, rdev, dev, ino } = status;
  const xattrs = readXattrs();
  return {
    kind,
    metadata: { mode: status.mode & PERMISSIONS, uid, gid, mtime, ...(xattrs && { xattrs }) },
    size: kind === 'file' ? size : 0,
    target,
    rdev,
    inode: `${dev}:${ino}`,
    digest: kind === 'file' ? () => digestOf(root, path) : noDigest,
  };
}

function xattrsOf(target: number | Uint8Array): Xattrs | undefined {
  const names = listXattrs(target);
  if (names === 'unsupported') return undefined;
  const xattrs = new Map<ByteString, ByteString>();
  for (const name of names) {
    const value = getXattr(target, name);
    if (value !== undefined && value !== 'unsupported') xattrs.set(toLatin1(name), toLatin1(value));
  }
  return xattrs;
}

async function digestOf(root: number, path: ByteString): Promise<string> {
  const fd = openBelow(root, path, constants.O_RDONLY);
  try {
    const hash = createHash('sha256');
    const buffer = new Uint8Array(CHUNK);
    for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer)) {
      hash.update(buffer.subarray(0, count));
      if (count === CHUNK) await nextTurn();
    }
    return hash.digestHex();
  } finally {
    closeDescriptor(fd);
  }
}
