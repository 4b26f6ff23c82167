import { readFully } from '@cfskit/linux';
import { parseObjectName, type Algorithm } from '@cfskit/fs-verity';
import { closeSync, existsSync, fstatSync, fsyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, RepositoryError } from './errors.ts';
import { formatMetadata, MAX_METADATA_SIZE, parseMetadata, type RepositoryMetadata } from './metadata.ts';
import { namesIn, OBJECT_DIRECTORIES } from './object-files.ts';
import { StagedFile } from './staged-file.ts';
import { ROOT_PREFIX } from './temporary-name.ts';
import type { VerityCalls } from './verity-calls.ts';

/** `meta.json` as it was found. */
export interface FoundMetadata {
  readonly metadata: RepositoryMetadata;
  /** Algorithm of the file's own fs-verity; undefined if it has none. With it, the repository is secure. */
  readonly verity: Algorithm | undefined;
}

/** What can be told of an old repository from its objects. */
export interface InferredMetadata {
  readonly algorithm: Algorithm;
  readonly secure: boolean;
}

/**
 * Read `meta.json`.
 *
 * @throws {RepositoryError} METADATA_MISSING, OLD_FORMAT, INVALID_METADATA. Node's own errors.
 */
export function readMetadataFile(root: string, verity: VerityCalls): FoundMetadata {
  const fd = openMetadata(root);
  try {
    const { size } = fstatSync(fd);
    if (size > MAX_METADATA_SIZE) {
      const message = `failed to parse meta.json: wanted at most ${MAX_METADATA_SIZE} bytes, found ${size}`;
      throw new RepositoryError('INVALID_METADATA', 'meta.json', message);
    }
    const bytes = new Uint8Array(size);
    const metadata = parseMetadata(bytes.subarray(0, readFully(fd, bytes, 0)));
    const measured = verity.measure(fd);
    return { metadata, verity: measured === undefined || measured === 'unsupported' ? undefined : measured.algorithm };
  } finally {
    closeSync(fd);
  }
}

/**
 * Write `meta.json`, which must not exist, in one step. In a secure repository the file gets verity before it gets its name.
 *
 * @returns whether it was written; `false` if somebody else was faster
 * @throws {RepositoryError} VERITY_UNSUPPORTED. Node's own errors.
 */
export function writeMetadataFile(root: string, metadata: RepositoryMetadata, secure: boolean, verity: VerityCalls): boolean {
  const file = new StagedFile(root, ROOT_PREFIX);
  try {
    file.write(Buffer.from(formatMetadata(metadata)));
    fsyncSync(file.fd);
    if (secure) enableVerity(file, metadata.algorithm, verity);
    const written = file.link(join(root, 'meta.json')) === 'linked';
    if (written) syncDirectory(root);
    return written;
  } finally {
    file.close();
  }
}

/**
 * Find out what a repository without `meta.json` is: the length of an object's name tells the algorithm, its verity the security.
 *
 * @throws {RepositoryError} NO_OBJECTS
 */
export function inferFromObjects(root: string, verity: VerityCalls): InferredMetadata {
  const objects = join(root, 'objects');
  for (const directory of OBJECT_DIRECTORIES) {
    for (const name of namesIn(objects, directory)) {
      const algorithm = algorithmOfName(name);
      if (algorithm !== undefined) return { algorithm, secure: hasVerity(join(objects, directory, name), verity) };
    }
  }
  throw new RepositoryError('NO_OBJECTS', 'objects', 'no objects found in repository — cannot infer metadata');
}

function openMetadata(root: string): number {
  try {
    return openSync(join(root, 'meta.json'), 'r');
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT')) throw cause;
    if (!existsSync(join(root, 'objects'))) throw new RepositoryError('METADATA_MISSING', root, MISSING, { cause });
    throw new RepositoryError('OLD_FORMAT', root, OLD_FORMAT, { cause });
  }
}

function enableVerity(file: StagedFile, algorithm: Algorithm, verity: VerityCalls): void {
  if (verity.measure(file.fd) === 'unsupported') throw unsupported(`Filesystem does not support fs-verity`);
  file.reopenReadOnly();
  const { outcome, copy } = verity.enableOrCopy(file.fd, algorithm, file.directory);
  if (copy !== undefined) file.become(copy);
  if (outcome === 'unsupported') throw unsupported('Filesystem does not support fs-verity');
  if (outcome === 'busy') throw unsupported('File is opened for writing');
}

function unsupported(why: string): RepositoryError {
  return new RepositoryError('VERITY_UNSUPPORTED', 'meta.json', `Enabling verity on meta.json: ${why}`);
}

function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } catch (error) {
    // Some file systems cannot sync a directory.
    if (!hasCode(error, 'EINVAL', 'EPERM', 'EISDIR', 'EBADF')) throw error;
  } finally {
    closeSync(fd);
  }
}

function algorithmOfName(name: string): Algorithm | undefined {
  const algorithm = name.length === 62 ? 'sha256' : name.length === 126 ? 'sha512' : undefined;
  if (algorithm === undefined) return undefined;
  try {
    parseObjectName(0, name, algorithm);
    return algorithm;
  } catch (error) {
    if (hasCode(error, 'INVALID_HEX_CHARACTER')) return undefined;
    throw error;
  }
}

function hasVerity(path: string, verity: VerityCalls): boolean {
  const fd = openSync(path, 'r');
  try {
    const measured = verity.measure(fd);
    return measured !== undefined && measured !== 'unsupported';
  } finally {
    closeSync(fd);
  }
}

const MISSING = 'meta.json not found; this repository must be initialized with `cfskit init`';
const OLD_FORMAT =
  'meta.json not found; this appears to be an old-format repository — open it with `upgrade`, or run `cfskit init`, to migrate';
