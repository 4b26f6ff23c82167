import { decode, toLatin1, u32, u64 } from '@cfskit/binary';
import { DEPTH_MAX, NO_XATTRS, PERMISSIONS, type ByteString, type Node, type Xattrs } from '@cfskit/fs-tree';
import { createHash } from '@cfskit/oci-spec';
import { RenderError } from './errors.ts';
import { openSquashfs, type MetadataCursor, type SquashfsFile } from './squashfs-file.ts';
import {
  DATA_PLAIN,
  directoryEntry,
  directoryHeader,
  fragmentEntry,
  inodeBodies,
  inodeHeader,
  NO_TABLE,
  NONE,
  XATTR_ELSEWHERE,
  XATTR_PREFIXES,
  xattrHeader,
  xattrKey,
  xattrSet,
} from './squashfs-format.ts';
import { noDigest, type ListedEntry, type TreeListing } from './tree-listing.ts';

/** Type numbers of inodes, from 1 on; extended ones are seven more. */
const KINDS: readonly Node['kind'][] = ['directory', 'file', 'symlink', 'block-device', 'character-device', 'fifo', 'socket'];
const EXTENDED = 7;
const SIZE_OF_NO_ENTRIES = 3;
/** In a reference: how many offsets there are for each block. No name, target or value is longer either. */
const BLOCK_UNIT = 65536;
const ENTRIES_MAX = 10_000_000;

/**
 * The tree in a squashfs image. Everything is checked: whatever the image says, reading it ends, in bounded memory.
 *
 * @throws {RenderError} INVALID_IMAGE
 */
export async function listSquashfs(path: string): Promise<TreeListing> {
  const file = await openSquashfs(path);
  try {
    return { entries: await file.checked(() => new SquashfsLister(file).list()), close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Owner of the root of an image; nothing where its blocks are compressed in a way that is not read here. */
export async function squashfsRootOwner(path: string): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  const file = await openSquashfs(path).catch((error: unknown) => {
    if (error instanceof RenderError) return undefined;
    throw error;
  });
  try {
    return file && (await new SquashfsLister(file).root()).entry.metadata;
  } finally {
    await file?.close();
  }
}

/** What an inode says. */
interface Inode {
  readonly number: number;
  readonly entry: ListedEntry;
  /** Of a directory: where its entries are, and how many bytes they take. */
  readonly listing?: { readonly block: number; readonly offset: number; readonly size: number };
}

/** What follows the header of an inode, as far as it is of that kind. */
interface InodeBody {
  readonly xattrs: number;
  readonly size?: number;
  readonly target?: ByteString;
  readonly rdev?: number;
  readonly digest?: () => Promise<string>;
  readonly listing?: Inode['listing'];
}

/** Where the content of a file is. */
interface FileBlocks {
  readonly size: number;
  readonly start: number;
  readonly fragment: number;
  readonly offset: number;
}

interface Waiting {
  readonly path: ByteString;
  readonly inode: Inode;
  readonly depth: number;
}

class SquashfsLister {
  readonly #file: SquashfsFile;
  readonly #inodes: Map<number, Inode> = new Map();
  readonly #xattrSets: Map<number, Xattrs> = new Map();
  readonly #ids: number[] = [];
  #lastFragment: { readonly index: number; readonly bytes: Uint8Array } | undefined;

  constructor(file: SquashfsFile) {
    this.#file = file;
  }

  async list(): Promise<Map<ByteString, ListedEntry>> {
    const entries = new Map<ByteString, ListedEntry>();
    const root = await this.root();
    entries.set('', root.entry);
    const seen = new Set([root.number]);
    const waiting: Waiting[] = [{ path: '', inode: root, depth: 0 }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      for await (const { path, inode } of this.#children(next)) {
        entries.set(path, inode.entry);
        if (entries.size > ENTRIES_MAX) throw this.#file.invalid(`more than ${ENTRIES_MAX} entries`);
        if (inode.listing === undefined) continue;
        if (seen.has(inode.number) || next.depth >= DEPTH_MAX)
          throw this.#file.invalid('directories that contain each other, or nest too deep');
        seen.add(inode.number);
        waiting.push({ path, inode, depth: next.depth + 1 });
      }
    }
    return entries;
  }

  async root(): Promise<Inode> {
    await this.#readIds();
    const root = await this.#inode(this.#file.super.rootInode);
    if (root.listing === undefined) throw this.#file.invalid('a root that is no directory');
    return root;
  }

  async *#children({ path, inode }: Waiting): AsyncGenerator<{ path: ByteString; inode: Inode }, void> {
    const { block, offset, size } = inode.listing!;
    const cursor = this.#file.metadata(this.#file.super.directoryTable + block, offset);
    for (let left = size - SIZE_OF_NO_ENTRIES; left > 0;) {
      const header = await cursor.field(directoryHeader);
      left -= directoryHeader.size;
      for (let i = 0; i <= header.count; i++) {
        const entry = await cursor.field(directoryEntry);
        const name = toLatin1(await cursor.bytes(entry.nameSize + 1));
        left -= directoryEntry.size + name.length;
        if (left < 0) throw this.#file.invalid('a directory that is longer than it says');
        if (name === '.' || name === '..' || /[/\0]/.test(name)) throw this.#file.invalid('a name that no directory can hold');
        const child = await this.#inode(header.start * BLOCK_UNIT + entry.offset);
        yield { path: path === '' ? name : `${path}/${name}`, inode: child };
      }
    }
  }

  /** The same object for each name of a file. */
  async #inode(reference: number): Promise<Inode> {
    const known = this.#inodes.get(reference);
    if (known !== undefined) return known;
    const cursor = this.#file.metadata(this.#file.super.inodeTable + Math.floor(reference / BLOCK_UNIT), reference % BLOCK_UNIT);
    const header = await cursor.field(inodeHeader);
    const isExtended = header.type > EXTENDED;
    const kind = KINDS[(isExtended ? header.type - EXTENDED : header.type) - 1];
    if (kind === undefined) throw this.#file.invalid(`inode of type ${header.type}`);
    const body = await this.#body(kind, isExtended, cursor);
    const metadata = {
      mode: header.mode & PERMISSIONS,
      uid: this.#id(header.uid),
      gid: this.#id(header.gid),
      mtime: { seconds: BigInt(header.mtime), nanoseconds: 0 },
      xattrs: await this.#xattrs(body.xattrs),
    };
    const { size = 0, target = '', rdev = 0, digest = noDigest, listing } = body;
    const inode: Inode = {
      number: header.number,
      entry: { kind, metadata, size, target, rdev, inode: header.number, digest },
      ...(listing && { listing }),
    };
    this.#inodes.set(reference, inode);
    return inode;
  }

  async #body(kind: Node['kind'], isExtended: boolean, cursor: MetadataCursor): Promise<InodeBody> {
    switch (kind) {
      case 'directory': {
        const body = isExtended ? cursor.field(inodeBodies.extendedDirectory) : withoutXattrs(cursor.field(inodeBodies.directory));
        const { block, offset, size, xattrs } = await body;
        return { listing: { block, offset, size }, xattrs };
      }
      case 'file':
        return await this.#fileBody(isExtended, cursor);
      case 'symlink': {
        const { size } = await cursor.field(inodeBodies.symlink);
        if (size > BLOCK_UNIT) throw this.#file.invalid('symbolic link that is too long');
        const target = toLatin1(await cursor.bytes(size));
        return { target, xattrs: isExtended ? await cursor.field(u32) : NONE };
      }
      case 'block-device':
      case 'character-device': {
        const { rdev } = await cursor.field(inodeBodies.device);
        return { rdev, xattrs: isExtended ? await cursor.field(u32) : NONE };
      }
      default:
        await cursor.field(u32); // number of links
        return { xattrs: isExtended ? await cursor.field(u32) : NONE };
    }
  }

  async #fileBody(isExtended: boolean, cursor: MetadataCursor): Promise<InodeBody> {
    const body = await (isExtended ? cursor.field(inodeBodies.extendedFile) : withoutXattrs(cursor.field(inodeBodies.file)));
    return { size: body.size, xattrs: body.xattrs, digest: () => this.#file.checked(() => this.#digest(body, cursor.copy())) };
  }

  #id(index: number): number {
    const id = this.#ids[index];
    if (id === undefined) throw this.#file.invalid('owner without a number');
    return id;
  }

  async #readIds(): Promise<void> {
    const { idCount, idTable } = this.#file.super;
    for (let i = 0; i < idCount; i++) this.#ids.push(await this.#file.tableEntry(idTable, u32, i));
  }

  /** @param sizes where the sizes of the blocks are */
  async #digest({ size, start, fragment, offset }: FileBlocks, sizes: MetadataCursor): Promise<string> {
    const hash = createHash('sha256');
    const { blockSize } = this.#file.super;
    let left = size;
    const smallest = fragment === NONE ? 1 : blockSize; // what is less lies in a fragment
    for (let position = start; left >= smallest;) {
      const block = await sizes.field(u32);
      const wanted = Math.min(left, blockSize);
      hash.update((await this.#data(position, block, wanted)).subarray(0, wanted));
      position += block & (DATA_PLAIN - 1);
      left -= wanted;
    }
    if (left > 0) hash.update(await this.#fragment(fragment, offset, left));
    return hash.digestHex();
  }

  /** A block, which has at least `wanted` bytes. */
  async #data(position: number, block: number, wanted: number): Promise<Uint8Array> {
    const stored = block & (DATA_PLAIN - 1);
    if (stored === 0) return new Uint8Array(wanted);
    const bytes = await this.#file.read(position, stored);
    const unpacked = (block & DATA_PLAIN) === 0 ? await this.#file.unpack(bytes, this.#file.super.blockSize) : bytes;
    if (unpacked.byteLength < wanted) throw this.#file.invalid('block that is too short');
    return unpacked;
  }

  async #fragment(index: number, offset: number, wanted: number): Promise<Uint8Array> {
    const { fragmentCount, fragmentTable } = this.#file.super;
    if (index >= fragmentCount) throw this.#file.invalid('file without its end');
    if (this.#lastFragment?.index !== index) {
      const { start, size } = await this.#file.tableEntry(Number(fragmentTable), fragmentEntry, index);
      this.#lastFragment = { index, bytes: await this.#data(start, size, 0) };
    }
    const { bytes } = this.#lastFragment;
    if (bytes.byteLength < offset + wanted) throw this.#file.invalid('file without its end');
    return bytes.subarray(offset, offset + wanted);
  }

  async #xattrs(index: number): Promise<Xattrs> {
    if (index === NONE) return NO_XATTRS;
    const known = this.#xattrSets.get(index);
    if (known !== undefined) return known;
    const { xattrTable } = this.#file.super;
    if (xattrTable === NO_TABLE) throw this.#file.invalid('attributes without a table');
    const table = Number(xattrTable);
    const { start, count } = decode(xattrHeader, await this.#file.read(table, xattrHeader.size));
    if (index >= count) throw this.#file.invalid('attributes that are not in the table');
    const set = await this.#file.tableEntry(table + xattrHeader.size, xattrSet, index);
    if (set.count > BLOCK_UNIT) throw this.#file.invalid('more attributes than there can be');
    const xattrs = await this.#xattrSet(start, set.reference, set.count);
    this.#xattrSets.set(index, xattrs);
    return xattrs;
  }

  async #xattrSet(start: number, reference: number, count: number): Promise<Xattrs> {
    const cursor = this.#xattrCursor(start, reference);
    const xattrs = new Map<ByteString, ByteString>();
    for (let i = 0; i < count; i++) {
      const { type, nameSize } = await cursor.field(xattrKey);
      const prefix = XATTR_PREFIXES[type & 0xff];
      if (prefix === undefined) throw this.#file.invalid('attribute of an unknown namespace');
      const name = prefix + toLatin1(await cursor.bytes(nameSize));
      const value = await this.#xattrValue(cursor);
      xattrs.set(name, (type & XATTR_ELSEWHERE) === 0 ? toLatin1(value) : await this.#valueElsewhere(start, value));
    }
    return xattrs;
  }

  async #xattrValue(cursor: MetadataCursor): Promise<Uint8Array> {
    const size = await cursor.field(u32);
    if (size > BLOCK_UNIT) throw this.#file.invalid('attribute that is too long');
    return await cursor.bytes(size);
  }

  async #valueElsewhere(start: number, reference: Uint8Array): Promise<ByteString> {
    return toLatin1(await this.#xattrValue(this.#xattrCursor(start, decode(u64, reference))));
  }

  #xattrCursor(start: number, reference: number): MetadataCursor {
    return this.#file.metadata(start + Math.floor(reference / BLOCK_UNIT), reference % BLOCK_UNIT);
  }
}

async function withoutXattrs<T>(body: Promise<T>): Promise<T & { readonly xattrs: number }> {
  return { ...(await body), xattrs: NONE };
}
