import { readRange } from '@cfskit/linux';
import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { access, open, rm, stat, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompressionError, decode, detectFormat, type CompressionFormat, type DecodeLimits } from '@cfskit/compression';
import { hasCode, OciDirError } from './errors.ts';
import { openFifo } from './fifo.ts';
import { fileChunks, writeChunks } from './file-chunks.ts';
import { scanTar, type TarIndex, type TarRegion } from './tar-index.ts';

/** How an archive is opened. */
export interface OpenArchiveOptions {
  readonly signal?: AbortSignal;
  /** Where a compressed archive is unpacked to, as one file without a name; `TMPDIR`, or else `/var/tmp`, if not said. */
  readonly stagingDirectory?: string;
  /** How much a compressed archive may unpack to; see `@cfskit/compression`. */
  readonly limits?: DecodeLimits;
}

/** A tar that has been scanned, open for reading by position. */
export interface Archive {
  readonly index: TarIndex;
  /** Whether it was compressed, or no file that can be read by position, and therefore staged. */
  readonly staged: boolean;
  /** @throws {OciDirError} TOO_LARGE, UNSUPPORTED_ENTRY */
  read(path: string, limit: number): Promise<Uint8Array | undefined>;
  /** The first bytes of a region. */
  head(region: TarRegion, length: number): Promise<Uint8Array>;
  chunks(region: TarRegion, signal: AbortSignal | undefined): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Open a tar, compressed or not. A plain file is scanned once by its headers; what is compressed, or comes from a pipe, is first
 * unpacked into a file without a name, in one pass.
 *
 * @throws {OciDirError} NOT_A_LAYOUT, NOT_A_FILE, and those of {@link scanTar}
 */
export async function openArchive(path: string, options: OpenArchiveOptions = {}): Promise<Archive> {
  const { handle, size, staged } = await openTar(path, options);
  try {
    const index = await scanTar(handle, size, path, options.signal);
    if (index.isEmpty) throw new OciDirError('NOT_A_LAYOUT', path, `${path} is an empty archive`);
    return archiveOf(handle, index, staged);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Pass an open archive on, and close it if that fails. */
export async function closingOnError<T>(archive: Archive, work: (archive: Archive) => Promise<T>): Promise<T> {
  try {
    return await work(archive);
  } catch (error) {
    await archive.close();
    throw error;
  }
}

function archiveOf(handle: FileHandle, index: TarIndex, staged: boolean): Archive {
  let closed: Promise<void> | undefined;
  return {
    index,
    staged,
    async read(path, limit) {
      const region = index.find(path);
      if (region === undefined) return undefined;
      if (region.size > limit) throw new OciDirError('TOO_LARGE', path, `wanted at most ${limit} bytes in ${path}, found ${region.size}`);
      return await readRange(handle, region.start, region.size);
    },
    head: ({ start, size }, length) => readRange(handle, start, Math.min(size, length)),
    chunks: ({ start, size }, signal) => fileChunks(handle, start, start + size, signal),
    close: () => (closed ??= handle.close()),
  };
}

interface OpenTar {
  readonly handle: FileHandle;
  readonly size: number;
  readonly staged: boolean;
}

async function openTar(path: string, options: OpenArchiveOptions): Promise<OpenTar> {
  const kind = await kindOf(path);
  if (kind === 'fifo') return await stageFifo(path, options);
  const handle = await openingArchive(path, () => open(path, kind === 'file' ? READ_FILE : 'r'));
  let keep = false;
  try {
    const { size } = await fileStats(path, handle, kind);
    if (kind === 'device') {
      return await stage(path, sniffed(handle.createReadStream({ autoClose: false, highWaterMark: READ_SIZE })), options);
    }
    const format = formatOf(path, await readRange(handle, 0, MAGIC_LENGTH));
    if (format !== 'none')
      return await stage(path, Promise.resolve({ format, source: fileChunks(handle, 0, size, options.signal) }), options);
    keep = true;
    return { handle, size, staged: false };
  } finally {
    if (!keep) await handle.close();
  }
}

const READ_SIZE = 512 * 1024;

// O_NONBLOCK: a FIFO that is suddenly there does not hold a thread. Windows has no such flag, and no such files.
const READ_FILE = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

type Kind = 'file' | 'device' | 'fifo';

async function kindOf(path: string): Promise<Kind> {
  const stats = await openingArchive(path, () => stat(path));
  if (stats.isFile()) return 'file';
  if (stats.isCharacterDevice()) return 'device';
  if (stats.isFIFO()) return 'fifo';
  throw noArchive(path, stats.isDirectory() ? 'a directory' : 'no file');
}

async function fileStats(path: string, handle: FileHandle, kind: Exclude<Kind, 'fifo'>): Promise<Stats> {
  const stats = await handle.stat();
  if (kind === 'file' ? stats.isFile() : stats.isCharacterDevice()) return stats;
  throw noArchive(path, 'something else a moment later');
}

/** Unpack what somebody writes into a FIFO. */
async function stageFifo(path: string, options: OpenArchiveOptions): Promise<OpenTar> {
  const { signal } = options;
  const fifo = await openingArchive(path, () => Promise.resolve(openFifo(path, signal)));
  try {
    return await stage(path, sniffed(fifo), options);
  } catch (error) {
    signal?.throwIfAborted(); // the pipe's own error only says that there is one
    throw error;
  } finally {
    fifo.destroy();
  }
}

async function openingArchive<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG')) throw cause;
    throw new OciDirError('NOT_A_LAYOUT', path, `Opening archive ${path}`, { cause });
  }
}

function noArchive(path: string, found: string): OciDirError {
  return new OciDirError('NOT_A_FILE', path, `wanted an archive, found ${found}: ${path}`);
}

const MAGIC_LENGTH = 6;
const FOREIGN_MAGIC: readonly (readonly [name: string, magic: readonly number[]])[] = [
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
];

function formatOf(path: string, head: Uint8Array): CompressionFormat {
  const foreign = FOREIGN_MAGIC.find(([, magic]) => magic.every((byte, i) => head[i] === byte));
  if (foreign === undefined) return detectFormat(head);
  throw new OciDirError('NOT_A_LAYOUT', path, `${path} is compressed with ${foreign[0]}, which is not read: unpack it first`);
}

interface Compressed {
  readonly format: CompressionFormat;
  readonly source: AsyncIterable<Uint8Array>;
}

/** Look at the beginning of a stream, and give all of it. */
async function sniffed(stream: AsyncIterable<Uint8Array>): Promise<Compressed> {
  const iterator = stream[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  for (let length = 0; length < MAGIC_LENGTH;) {
    const { done, value } = await iterator.next();
    if (done === true) break;
    head.push(value);
    length += value.byteLength;
  }
  async function* whole(): AsyncGenerator<Uint8Array, void> {
    yield* head;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  }
  return { format: detectFormat(Buffer.concat(head)), source: whole() };
}

/** Unpack into a file that has no name, so that nothing is left behind whatever happens. */
async function stage(path: string, compressed: Promise<Compressed>, options: OpenArchiveOptions): Promise<OpenTar> {
  const { signal, limits } = options;
  const { format, source } = await compressed;
  const handle = await openUnnamed(options.stagingDirectory ?? (await usualDirectory()));
  try {
    const chunks = decode(source, { format, ...(limits && { limits }), ...(signal && { signal }) });
    const size = await writeChunks(handle, chunks, 0, signal);
    return { handle, size, staged: true };
  } catch (cause) {
    await handle.close();
    if (!(cause instanceof CompressionError)) throw cause;
    throw new OciDirError('INVALID_ARCHIVE', path, `unpacking ${path}`, { cause });
  }
}

const LARGE_FILES = '/var/tmp';

/** `/tmp` is often kept in memory, and an image is large. */
async function usualDirectory(): Promise<string> {
  if ((process.env['TMPDIR'] ?? '') !== '') return tmpdir();
  return await access(LARGE_FILES, constants.W_OK).then(
    () => LARGE_FILES,
    () => tmpdir(),
  );
}

async function openUnnamed(directory: string): Promise<FileHandle> {
  const path = join(directory, `cfskit-${randomUUID()}.tar`);
  const handle = await open(path, 'wx+', 0o600);
  await rm(path);
  return handle;
}
