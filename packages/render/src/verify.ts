import { compareTimes, escapeBytes, type ByteString, type Node, type Xattrs } from '@cfskit/fs-tree';
import { fromLatin1 } from '@cfskit/binary';
import { hasCode } from './errors.ts';
import { listDirectory } from './list-directory.ts';
import { listSquashfs } from './list-squashfs.ts';
import { listTar } from './list-tar.ts';
import { formatPaxTime } from './pax-value.ts';
import { decodeDevice } from './tar-member.ts';
import type { ListedEntry, ListedMetadata, TreeListing } from './tree-listing.ts';

/** A tree that was made of an image, and where it is. */
export interface VerifySubject {
  readonly kind: 'dir' | 'tar' | 'squashfs';
  readonly path: string;
}

/** What else can be compared. */
export type VerifyExtra = 'mtime' | 'xattrs' | 'links';

/** How trees are compared. */
export interface VerifyOptions {
  /** Users and groups may differ, as they do when an ordinary user has unpacked the reference. */
  readonly ignoreOwnership?: boolean;
  /** Modification times to the nanosecond, extended attributes, which names are one file; nothing of these by default. */
  readonly extras?: readonly VerifyExtra[];
  readonly signal?: AbortSignal;
}

/** One difference of an entry that both trees have. */
export interface VerifyDifference {
  readonly path: string;
  readonly detail: string;
}

/**
 * How two trees differ. Paths are relative to the roots, `.` being the root, and sorted by their bytes; what is not UTF-8 in them is escaped as in
 * a dumpfile.
 */
export interface VerifyReport {
  readonly onlyInGenerated: readonly string[];
  readonly onlyInReference: readonly string[];
  readonly differences: readonly VerifyDifference[];
}

/** Whether the trees are equal. */
export function isClean({ onlyInGenerated, onlyInReference, differences }: VerifyReport): boolean {
  return onlyInGenerated.length === 0 && onlyInReference.length === 0 && differences.length === 0;
}

/**
 * Compare what was made of an image with a directory, entry by entry; nothing stops at the first difference. Tars are read in one pass, squashfs
 * images by a reader of our own, without mounting.
 *
 * Contents of directories are hashed only where sizes are equal. Memory: a few hundred bytes per entry.
 *
 * @throws {RenderError} for a tar or squashfs image that cannot be read. {LinuxError} for a directory that this user may not read
 */
export async function verify(subject: VerifySubject, referenceDirectory: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  const reference = await listDirectory(referenceDirectory, options.signal);
  try {
    const generated = await list(subject, options.signal);
    try {
      return await compareListings(generated, reference, options);
    } finally {
      await generated.close();
    }
  } finally {
    await reference.close();
  }
}

function list({ kind, path }: VerifySubject, signal: AbortSignal | undefined): Promise<TreeListing> {
  if (kind === 'tar') return listTar(path, { signal });
  return kind === 'dir' ? listDirectory(path, signal) : listSquashfs(path);
}

async function compareListings(generated: TreeListing, reference: TreeListing, options: VerifyOptions): Promise<VerifyReport> {
  const differences: VerifyDifference[] = [];
  const both = sorted(generated).filter((path) => reference.entries.has(path));
  const groups = options.extras?.includes('links') === true ? [linkGroups(generated), linkGroups(reference)] : [];
  for (const path of both) {
    options.signal?.throwIfAborted();
    const [ours, theirs] = [generated.entries.get(path)!, reference.entries.get(path)!];
    const details = await detailsOf(ours, theirs, options);
    if (ours.kind === theirs.kind) details.push(...compareValues('hard links', groups[0]?.get(path), groups[1]?.get(path)));
    for (const detail of details) differences.push({ path: display(path), detail });
  }
  return { onlyInGenerated: missing(generated, reference), onlyInReference: missing(reference, generated), differences };
}

/** What only the first of two trees has. A tar need not say anything about the root. */
function missing(here: TreeListing, there: TreeListing): string[] {
  return sorted(here)
    .filter((path) => path !== '' && !there.entries.has(path))
    .map(display);
}

function sorted({ entries }: TreeListing): ByteString[] {
  return [...entries.keys()].toSorted();
}

const TYPE_NAMES: Readonly<Record<Node['kind'], string>> = {
  file: 'File',
  directory: 'Dir',
  symlink: 'Symlink',
  'character-device': 'CharDevice',
  'block-device': 'BlockDevice',
  fifo: 'Fifo',
  socket: 'Socket',
};

async function detailsOf(ours: ListedEntry, theirs: ListedEntry, options: VerifyOptions): Promise<string[]> {
  if (ours.kind !== theirs.kind) return compareValues('type mismatch', TYPE_NAMES[ours.kind], TYPE_NAMES[theirs.kind]);
  const details =
    ours.metadata === undefined || theirs.metadata === undefined ? [] : metadataDetails(ours.kind, ours.metadata, theirs.metadata, options);
  details.push(...compareValues('symlink target', escapeBytes(ours.target), escapeBytes(theirs.target)));
  details.push(...compareValues('device', deviceText(ours), deviceText(theirs)));
  details.push(...compareValues('size', ours.size, theirs.size));
  details.push(...unreadable('generated', ours), ...unreadable('reference', theirs));
  if (ours.kind === 'file' && ours.size === theirs.size) details.push(...(await contentDetails(ours, theirs)));
  return details;
}

function unreadable(where: string, { unreadable: code }: ListedEntry): string[] {
  return code === undefined ? [] : [`cannot be read: ${where}=${code}`];
}

async function contentDetails(ours: ListedEntry, theirs: ListedEntry): Promise<string[]> {
  try {
    return (await ours.digest()) === (await theirs.digest()) ? [] : ['sha256 mismatch'];
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM')) throw error;
    return [`content cannot be read: ${(error as NodeJS.ErrnoException).code}`];
  }
}

function metadataDetails(kind: Node['kind'], ours: ListedMetadata, theirs: ListedMetadata, options: VerifyOptions): string[] {
  const { ignoreOwnership = false, extras = [] } = options;
  const details: string[] = [];
  if (kind !== 'symlink') details.push(...compareValues('mode', octal(ours.mode), octal(theirs.mode)));
  if (!ignoreOwnership) details.push(...compareValues('uid', ours.uid, theirs.uid), ...compareValues('gid', ours.gid, theirs.gid));
  if (extras.includes('mtime') && compareTimes(ours.mtime, theirs.mtime) !== 0) {
    details.push(...compareValues('mtime', formatPaxTime(ours.mtime), formatPaxTime(theirs.mtime)));
  }
  if (extras.includes('xattrs') && ours.xattrs !== undefined && theirs.xattrs !== undefined) {
    details.push(...xattrDetails(ours.xattrs, theirs.xattrs));
  }
  return details;
}

function xattrDetails(ours: Xattrs, theirs: Xattrs): string[] {
  const names = [...new Set([...ours.keys(), ...theirs.keys()])].toSorted();
  return names.flatMap((name) => compareValues(`xattr ${escapeBytes(name)}`, quoted(ours.get(name)), quoted(theirs.get(name))));
}

function quoted(value: ByteString | undefined): string | undefined {
  return value === undefined ? undefined : JSON.stringify(escapeBytes(value));
}

/** All names of each file that has several, as text. */
function linkGroups({ entries }: TreeListing): ReadonlyMap<ByteString, string> {
  const byInode = new Map<unknown, ByteString[]>();
  for (const [path, { inode, kind }] of entries) {
    if (kind === 'directory') continue;
    const names = byInode.get(inode);
    if (names === undefined) byInode.set(inode, [path]);
    else names.push(path);
  }
  const groups = new Map<ByteString, string>();
  for (const names of byInode.values()) {
    if (names.length < 2) continue;
    const text = names.toSorted().map(display).join(', ');
    for (const name of names) groups.set(name, text);
  }
  return groups;
}

function compareValues(what: string, ours: string | number | undefined, theirs: string | number | undefined): string[] {
  return ours === theirs ? [] : [`${what}: generated=${ours ?? 'none'} reference=${theirs ?? 'none'}`];
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function deviceText({ kind, rdev }: ListedEntry): string {
  if (kind !== 'character-device' && kind !== 'block-device') return '';
  const { major, minor } = decodeDevice(rdev);
  return `${major}:${minor}`;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function display(path: ByteString): string {
  if (path === '') return '.';
  try {
    return UTF8.decode(fromLatin1(path));
  } catch {
    return escapeBytes(path);
  }
}
