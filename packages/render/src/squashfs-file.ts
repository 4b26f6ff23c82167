import { readRange } from '@cfskit/linux';
import { open, type FileHandle } from 'node:fs/promises';
import { inflateSync } from 'node:zlib';
import { concatBytes, decode as decodeField, DecodeError, u16, u32, u64, type Field } from '@cfskit/binary';
import { decode } from '@cfskit/compression';
import { RenderError } from './errors.ts';
import {
  BLOCK_SIZE_MAX,
  BLOCK_SIZE_MIN,
  COMPRESSORS,
  METADATA_PLAIN,
  METADATA_SIZE,
  SQUASHFS_MAGIC,
  superblock,
  type Superblock,
} from './squashfs-format.ts';

/** Metadata blocks that are kept. */
const CACHE_SIZE = 256;

interface MetadataBlock {
  readonly bytes: Uint8Array;
  /** Where the next one is in the file. */
  readonly next: number;
}

/** A squashfs image in a file, with everything that is read from it checked against its bounds. */
export class SquashfsFile {
  readonly super: Superblock;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #blocks: Map<number, MetadataBlock> = new Map();

  constructor(path: string, handle: FileHandle, header: Superblock) {
    this.#path = path;
    this.#handle = handle;
    this.super = header;
  }

  /** Exactly these bytes of the file. */
  async read(start: number, size: number): Promise<Uint8Array<ArrayBuffer>> {
    if (start + size > this.super.bytesUsed) throw this.invalid('something lies behind its end');
    return await readExactly(this.#handle, start, size, this.#path);
  }

  /** A cursor into a chain of metadata blocks. */
  metadata(block: number, offset: number): MetadataCursor {
    return new MetadataCursor(this, block, offset);
  }

  /** The entry of a table that is spread over metadata blocks, whose places are listed at `table`. */
  async tableEntry<T>(table: number, field: Field<T>, index: number): Promise<T> {
    const perBlock = METADATA_SIZE / field.size;
    const pointer = await this.read(table + Math.floor(index / perBlock) * u64.size, u64.size);
    return await this.metadata(decodeField(u64, pointer), (index % perBlock) * field.size).field(field);
  }

  async metadataBlock(position: number): Promise<MetadataBlock> {
    const known = this.#blocks.get(position);
    if (known !== undefined) return known;
    const header = decodeField(u16, await this.read(position, u16.size));
    const size = header & (METADATA_PLAIN - 1);
    const stored = await this.read(position + u16.size, size);
    const bytes = (header & METADATA_PLAIN) === 0 ? await this.unpack(stored, METADATA_SIZE) : stored;
    const block = { bytes, next: position + u16.size + size };
    this.#blocks.set(position, block);
    if (this.#blocks.size > CACHE_SIZE) this.#blocks.delete(this.#blocks.keys().next().value!);
    return block;
  }

  /** @throws {RenderError} if it becomes more than `limit` bytes */
  async unpack(stored: Uint8Array, limit: number): Promise<Uint8Array> {
    try {
      if (COMPRESSORS[this.super.compressor] === 'gzip') return inflateSync(stored, { maxOutputLength: limit });
      const options = { format: 'zstd', limits: { maxOutput: limit }, outputSize: Math.max(limit, 1024) } as const;
      return concatBytes(await Array.fromAsync(decode([stored], options)));
    } catch (cause) {
      throw this.invalid('a block cannot be decompressed', cause);
    }
  }

  /** What reading finds wrong about a field becomes an error about the image. @throws {RenderError} INVALID_IMAGE */
  async checked<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof DecodeError ? this.invalid('a table is not what it should be', error) : error;
    }
  }

  invalid(what: string, cause?: unknown): RenderError {
    return invalidSquashfs(this.#path, what, cause);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Reads on through a chain of metadata blocks. */
export class MetadataCursor {
  readonly #file: SquashfsFile;
  #position: number;
  #offset: number;

  constructor(file: SquashfsFile, position: number, offset: number) {
    this.#file = file;
    this.#position = position;
    this.#offset = offset;
  }

  /** Another one at the same place. */
  copy(): MetadataCursor {
    return new MetadataCursor(this.#file, this.#position, this.#offset);
  }

  async field<T>(field: Field<T>): Promise<T> {
    return decodeField(field, await this.bytes(field.size));
  }

  async bytes(size: number): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for (let left = size; left > 0;) {
      const { bytes, next } = await this.#file.metadataBlock(this.#position);
      const piece = bytes.subarray(this.#offset, this.#offset + left);
      if (piece.byteLength === 0 && this.#offset >= bytes.byteLength && bytes.byteLength < METADATA_SIZE) {
        throw this.#file.invalid('a table ends early');
      }
      pieces.push(piece);
      left -= piece.byteLength;
      this.#offset += piece.byteLength;
      if (this.#offset >= bytes.byteLength) {
        this.#offset -= bytes.byteLength;
        this.#position = next;
      }
    }
    return pieces.length === 1 ? pieces[0]! : concatBytes(pieces);
  }
}

/**
 * Open a squashfs image of version 4.0 whose blocks are compressed with gzip or zstd.
 *
 * @throws {RenderError} INVALID_IMAGE
 */
export async function openSquashfs(path: string): Promise<SquashfsFile> {
  const handle = await open(path, 'r');
  try {
    return new SquashfsFile(path, handle, await readSuperblock(path, handle));
  } catch (error) {
    await handle.close();
    throw error instanceof DecodeError ? invalidSquashfs(path, 'a header that is none', error) : error;
  }
}

async function readSuperblock(path: string, handle: FileHandle): Promise<Superblock> {
  const { size } = await handle.stat();
  if (size < superblock.size) throw invalidSquashfs(path, 'too short');
  const bytes = await readExactly(handle, 0, superblock.size, path);
  if (decodeField(u32, bytes) !== SQUASHFS_MAGIC) throw invalidSquashfs(path, 'no squashfs image');
  const header = decodeField(superblock, bytes);
  const { versionMajor, versionMinor, compressor, blockSize, bytesUsed } = header;
  if (versionMajor !== 4 || versionMinor !== 0) throw invalidSquashfs(path, `version ${versionMajor}.${versionMinor}, only 4.0 is read`);
  if (blockSize < BLOCK_SIZE_MIN || blockSize > BLOCK_SIZE_MAX || bytesUsed > size)
    throw invalidSquashfs(path, 'cut short, or with a wrong header');
  const name = COMPRESSORS[compressor];
  if (name === 'gzip' || name === 'zstd') return header;
  throw invalidSquashfs(path, `compressed with ${name ?? compressor}, only gzip and zstd are read; unsquashfs unpacks it`);
}

async function readExactly(handle: FileHandle, start: number, size: number, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readRange(handle, start, size);
  if (bytes.byteLength < size) throw invalidSquashfs(path, 'cut short');
  return bytes;
}

function invalidSquashfs(path: string, what: string, cause?: unknown): RenderError {
  return new RenderError('INVALID_IMAGE', `${path}: ${what}`, { path, ...(cause !== undefined && { cause }) });
}
