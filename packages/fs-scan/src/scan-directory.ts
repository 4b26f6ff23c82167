import type { Directory } from '@cfskit/fs-tree';
import type { Algorithm } from '@cfskit/fs-verity';
import { capabilities } from '@cfskit/linux';
import { closeSync, constants, openSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';
import type { ContentStoreModule } from './content-store.ts';
import { DirectoryWalk } from './directory-walk.ts';
import { FsScanError } from './errors.ts';
import type { ReadOptions } from './file-reader.ts';
import { FileReaders } from './file-readers.ts';
import { LeafTable } from './leaf-table.ts';
import { ReadQueue } from './read-queue.ts';

/** How far a scan has come. */
export interface ScanProgress {
  /** Directories read, and names in them of anything else. */
  readonly directories: number;
  readonly entries: number;
  /** Regular files read, and the bytes in them. */
  readonly files: number;
  readonly bytes: number;
}

/** What a scan has done. */
export interface ScanStats extends ScanProgress {
  /** Names that are further names of a file. */
  readonly links: number;
  /** Files whose content is an object. */
  readonly external: number;
  /** Of these, contents that the store has written, and their bytes. Two files of one content may both count. */
  readonly stored: number;
  readonly storedBytes: number;
}

/** Options of {@link scanDirectory}. */
export interface ScanOptions {
  /** Hash function of the object ids. */
  readonly algorithm: Algorithm;
  /** Contents of up to so many bytes are kept in the tree, larger ones become objects; 64 unless told, as image ids require. */
  readonly inlineMax?: number | undefined;
  /**
   * `tracked`, the default: names of one file become one leaf; `broken`: every name is a file of its own. A file is read once in either case.
   */
  readonly hardLinks?: 'tracked' | 'broken' | undefined;
  /** Whether to read extended attributes; `true` unless told. */
  readonly xattrs?: boolean | undefined;
  /** Where to put contents that become objects, while they are hashed. Without it nothing is written anywhere. */
  readonly store?: ContentStoreModule | undefined;
  /** Threads that read files; as many as there are processors unless told. 1 reads in this thread, and blocks it file by file. */
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after every batch of files, and once at the end. */
  readonly onProgress?: ((progress: ScanProgress) => void) | undefined;
}

/** A scanned directory. */
export interface ScannedDirectory {
  readonly root: Directory;
  readonly stats: ScanStats;
}

/**
 * The tree of a directory on disk: metadata with nanoseconds, extended attributes, devices, FIFOs, sockets, hard links, and names of any bytes.
 *
 * Symbolic links are never followed, wherever they stand; other file systems below are entered. Regular files are read once each, in parallel;
 * the result does not depend on the order in which that happens. Nothing is transformed: `transformForOci` of `@cfskit/fs-tree` is for the root
 * of a container. Memory is the tree, and a buffer of 1 MiB per thread.
 *
 * @param path of a directory; its last component is not followed if it is a symbolic link
 * @throws {FsScanError} NOT_A_DIRECTORY, CHANGED, UNREADABLE, UNSUPPORTED, TOO_DEEP, STORE_FAILED; the signal's reason
 */
export async function scanDirectory(path: string | Uint8Array, options: ScanOptions): Promise<ScannedDirectory> {
  options.signal?.throwIfAborted();
  const xattrs = options.xattrs ?? true;
  if (xattrs) checkXattrs();
  const root = openRoot(path);
  try {
    const { algorithm, inlineMax = 64 } = options;
    return await scan({ root, algorithm, inlineMax, xattrs }, options);
  } finally {
    closeSync(root);
  }
}

async function scan(reading: ReadOptions, options: ScanOptions): Promise<ScannedDirectory> {
  const walk = new DirectoryWalk(reading);
  const table = new LeafTable(walk, options.hardLinks ?? 'tracked');
  const report = (): void => options.onProgress?.(table.progress());
  const files = new FileReaders(reading, options.store, options.threads ?? availableParallelism());
  const queue = new ReadQueue(table, files, report, options.signal);
  try {
    let count = 0;
    for (const found of walk.entries()) {
      const file = table.add(found);
      if (file !== undefined) await queue.add(file);
      else if (++count % ENTRIES_AT_A_STRETCH === 0) await turn();
      options.signal?.throwIfAborted();
    }
    await queue.finish();
  } finally {
    await queue.close();
  }
  report();
  return { root: walk.root, stats: table.stats() };
}

/** @throws {FsScanError} UNSUPPORTED: without them the tree would be another one, and so would its id */
function checkXattrs(): void {
  const { means, by } = capabilities().xattrs;
  if (means !== 'native') throw new FsScanError('UNSUPPORTED', '/', `extended attributes cannot be read (${by})`);
}

/** @throws {FsScanError} NOT_A_DIRECTORY, UNREADABLE */
function openRoot(path: string | Uint8Array): number {
  try {
    return openSync(typeof path === 'string' ? path : Buffer.from(path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOTDIR' || code === 'ELOOP') throw new FsScanError('NOT_A_DIRECTORY', '/', 'not a directory', { cause: error });
    throw new FsScanError('UNREADABLE', '/', `cannot be opened (${code})`, { cause: error });
  }
}

const ENTRIES_AT_A_STRETCH = 1024;
