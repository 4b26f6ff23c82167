import { toLatin1 } from '@cfskit/binary';
import type { ByteString } from '@cfskit/fs-tree';
import { u16At, u32At } from './byte-source.ts';
import { dirent } from './dirent.ts';
import { ErofsError } from './errors.ts';
import { FILE_TYPE } from './file-type.ts';
import { BLOCK } from './format.ts';
import type { ErofsImage } from './image.ts';
import { dataOf, type Inode } from './read-inode.ts';

/** A name in a directory. */
export interface DirectoryEntry {
  readonly name: ByteString;
  readonly nid: number;
  readonly fileType: number;
  /** Of its record. */
  readonly offset: number;
}

const NAME_MAX = 255;
const MAX_FILE_TYPE = 7;

/**
 * The entries of a directory in order, without `.` and `..`.
 *
 * @param parentNid of the directory that it is in; the root is in itself
 * @throws {ErofsError} INVALID_DIRECTORY for names that are none, not in order or there twice, and for `.` and `..` that are missing or lead
 *   elsewhere; LINK_COUNT if the link count is not that of its subdirectories
 */
export function readDirectory(image: ErofsImage, inode: Inode, parentNid: number): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  const { blockOffset, blockCount, tailOffset, tailSize } = dataOf(inode);
  for (let block = 0; block < blockCount; block++) readBlock(image, blockOffset + block * BLOCK, BLOCK, entries);
  if (tailSize > 0) readBlock(image, tailOffset, tailSize, entries);
  checkOrder(entries);
  takeDot(entries, '.', inode.nid, inode);
  takeDot(entries, '..', parentNid, inode);
  checkLinkCount(entries, inode);
  return entries;
}

function readBlock(image: ErofsImage, offset: number, size: number, entries: DirectoryEntry[]): void {
  const bytes = image.bytes.take(offset, size);
  const namesStart = size < dirent.size ? 0 : u16At(bytes, dirent.offsets.nameoff);
  if (namesStart === 0 || namesStart % dirent.size !== 0 || namesStart > size) {
    throw new ErofsError('INVALID_DIRECTORY', `names at ${namesStart} in a directory block of ${size} bytes`, { offset });
  }
  // One string for all names of the block: the names are parts of it.
  const names = toLatin1(bytes.subarray(namesStart));
  for (let at = 0; at < namesStart; at += dirent.size) {
    const start = u16At(bytes, at + dirent.offsets.nameoff) - namesStart;
    const next = at + dirent.size;
    const end = next < namesStart ? u16At(bytes, next + dirent.offsets.nameoff) - namesStart : endOfLast(names, start);
    entries.push({
      name: nameOf(names, start, end, offset + at),
      nid: nidOf(bytes, at, offset + at),
      fileType: fileTypeOf(bytes, at, offset + at),
      offset: offset + at,
    });
  }
}

/** The last name of a block that is not full ends with a NUL. */
function endOfLast(names: string, start: number): number {
  const end = names.indexOf('\0', start);
  return end === -1 ? names.length : end;
}

function nameOf(names: string, start: number, end: number, offset: number): ByteString {
  if (start < 0 || end > names.length || end <= start) {
    throw new ErofsError('INVALID_DIRECTORY', `name from ${start} to ${end} in ${names.length} bytes of names`, { offset });
  }
  const name = names.slice(start, end);
  if (name.length > NAME_MAX || name.includes('/') || name.includes('\0')) {
    throw new ErofsError('INVALID_DIRECTORY', `name of ${name.length} bytes, wanted 1 to ${NAME_MAX} without slash and NUL`, { offset });
  }
  return name;
}

function nidOf(bytes: Uint8Array, at: number, offset: number): number {
  const high = u32At(bytes, at + dirent.offsets.nid + 4);
  if (high !== 0) throw new ErofsError('OUT_OF_BOUNDS', 'inode number beyond every image', { offset });
  return u32At(bytes, at + dirent.offsets.nid);
}

function fileTypeOf(bytes: Uint8Array, at: number, offset: number): number {
  const fileType = bytes[at + dirent.offsets.fileType]!;
  if (fileType === 0 || fileType > MAX_FILE_TYPE) throw new ErofsError('INVALID_DIRECTORY', `file type ${fileType}`, { offset });
  return fileType;
}

function checkOrder(entries: readonly DirectoryEntry[]): void {
  let last = '';
  for (const { name, offset } of entries) {
    if (name <= last) throw new ErofsError('INVALID_DIRECTORY', 'names that are not in order', { offset });
    last = name;
  }
}

function takeDot(entries: DirectoryEntry[], name: string, nid: number, { offset }: Inode): void {
  const index = entries.findIndex((entry) => entry.name === name);
  const entry = entries[index];
  if (entry === undefined) throw new ErofsError('INVALID_DIRECTORY', `no ${name} in the directory`, { offset });
  if (entry.nid !== nid || entry.fileType !== FILE_TYPE.directory) {
    throw new ErofsError('INVALID_DIRECTORY', `${name} leads to ${entry.nid}, wanted ${nid}`, { offset: entry.offset });
  }
  entries.splice(index, 1);
}

function checkLinkCount(entries: readonly DirectoryEntry[], { nlink, offset }: Inode): void {
  let count = 2;
  for (const { fileType } of entries) if (fileType === FILE_TYPE.directory) count++;
  if (nlink !== count) throw new ErofsError('LINK_COUNT', `directory with link count ${nlink}, wanted ${count}`, { offset });
}
