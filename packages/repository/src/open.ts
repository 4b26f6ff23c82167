import { formatAlgorithmName, type Algorithm, type BlockHash } from '@cfskit/fs-verity';
import { mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ImageReader } from './context.ts';
import { hasCode, RepositoryError } from './errors.ts';
import { checkCompatibility, effectiveFormats, newMetadata, sameMetadata, type ErofsFormats, type RepositoryMetadata } from './metadata.ts';
import { inferFromObjects, readMetadataFile, writeMetadataFile, type FoundMetadata } from './metadata-file.ts';
import type { LockOptions } from './patience.ts';
import { Repository, type OpenedAs } from './repository.ts';
import { RepositoryLock } from './repository-lock.ts';
import { ROOT_PREFIX, temporaryName } from './temporary-name.ts';
import { kernelVerity, type VerityCalls } from './verity-calls.ts';
import { assertWritable } from './writable.ts';

/** Options of {@link openRepository}. */
export interface OpenOptions extends LockOptions {
  /** The algorithm that it must have. */
  readonly algorithm?: Algorithm | undefined;
  /** Refuse a repository that does not enforce fs-verity. */
  readonly requireVerity?: boolean | undefined;
  /** Accept objects without fs-verity through this handle, even if the repository is secure. */
  readonly insecure?: boolean | undefined;
  /**
   * Take a repository without `meta.json` for what its objects tell, and give it one: at once, or `when-written`, with the first operation that
   * writes, so that reading changes nothing.
   */
  readonly upgrade?: boolean | 'when-written' | undefined;
  /** Reads EROFS images; without it, nothing can be collected while an image is in use. */
  readonly imageReader?: ImageReader | undefined;
  /** Told once about each thing that this system cannot do. */
  readonly onWarning?: ((text: string) => void) | undefined;
  /** The kernel's fs-verity calls unless told. */
  readonly verity?: VerityCalls | undefined;
  /** Hash function for objects; the fastest there is unless told. */
  readonly blockHash?: BlockHash | undefined;
}

/** Options of {@link initRepository} and {@link ensureRepository}; `insecure` makes one that does not enforce fs-verity. */
export interface InitOptions extends Omit<OpenOptions, 'upgrade'> {
  /** Image formats to produce; format 1 unless told. */
  readonly erofsFormats?: ErofsFormats | undefined;
}

/**
 * Open a repository and take its shared lock.
 *
 * @throws {RepositoryError} METADATA_MISSING, OLD_FORMAT, INVALID_METADATA, UNSUPPORTED_VERSION, ALGORITHM_MISMATCH, UNKNOWN_FEATURES,
 *   VERITY_REQUIRED, LOCK_TIMEOUT; with `upgrade` NO_OBJECTS. Node's own errors, for instance ENOENT. The signal's reason.
 */
export async function openRepository(path: string, options: OpenOptions = {}): Promise<Repository> {
  try {
    return await openAs('opened', path, options);
  } catch (error) {
    if ((options.upgrade ?? false) === false || !hasCode(error, 'OLD_FORMAT')) throw error;
  }
  if (options.upgrade === 'when-written') return openAs('inferred', path, options);
  upgrade(resolve(path), options);
  return openAs('upgraded', path, options);
}

/**
 * Make a repository: its directory, if need be, and `meta.json`. One of the same configuration is opened instead. The parent directory must
 * exist.
 *
 * @throws {RepositoryError} CONFLICTING_CONFIGURATION; VERITY_UNSUPPORTED if it is to be secure and cannot be, a directory made for it is removed
 *   again; those of {@link openRepository}
 */
export async function initRepository(path: string, options: InitOptions = {}): Promise<Repository> {
  const root = resolve(path);
  const { algorithm = 'sha512', erofsFormats, insecure = false, verity = kernelVerity } = options;
  const wanted = newMetadata(algorithm, erofsFormats);
  const made = makeDirectory(root);
  let written = false;
  try {
    written = writeMetadataFile(root, wanted, !insecure, verity);
  } catch (error) {
    // Whatever kept it from being written: what counts is what is there.
    if (made) removeIfEmpty(root);
    if (!isReadable(root, verity)) throw error;
  }
  if (!written) assertSame(root, wanted, verity);
  // Whether this handle is secure is for the file to say.
  return openAs(written ? 'created' : 'opened', root, { ...options, insecure: false });
}

/**
 * Open a repository, whatever its image formats; make it if there is none; upgrade it if it is old. What is configured is never changed.
 *
 * @throws {RepositoryError} those of {@link openRepository} and {@link initRepository}
 */
export async function ensureRepository(path: string, options: InitOptions = {}): Promise<Repository> {
  const made = makeDirectory(resolve(path));
  try {
    return await openRepository(path, { ...options, insecure: false, upgrade: true });
  } catch (error) {
    if (!hasCode(error, 'METADATA_MISSING')) throw error;
  }
  try {
    return await initRepository(path, options);
  } catch (error) {
    if (made) removeIfEmpty(resolve(path));
    throw error;
  }
}

/**
 * Take a repository back to before {@link initRepository}: `streams/`, `images/` and `meta.json` go, `objects/` stays. It can then be made
 * again, also with another algorithm; but collection and check stumble over objects that are named by the old one.
 *
 * Waits for the exclusive lock.
 *
 * @throws {RepositoryError} LOCK_TIMEOUT, UNLOCKED, READ_ONLY. Node's own errors. The signal's reason.
 */
export async function resetRepository(path: string, options: LockOptions = {}): Promise<void> {
  const root = resolve(path);
  const lock = await RepositoryLock.open(root, options);
  try {
    assertWritable(root, []);
    await lock.exclusively(() => reset(root), options);
  } finally {
    lock.close();
  }
}

/** Each directory goes in one step, so that what is left at any moment is in order. */
async function reset(root: string): Promise<void> {
  for (const name of ['streams', 'images', 'meta.json']) {
    const away = join(root, temporaryName(ROOT_PREFIX));
    try {
      renameSync(join(root, name), away);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) continue;
      throw error;
    }
    rmSync(away, { recursive: true });
  }
}

async function openAs(openedAs: OpenedAs, path: string, options: OpenOptions): Promise<Repository> {
  const { verity = kernelVerity, onWarning } = options;
  const lock = await RepositoryLock.open(resolve(path), options);
  try {
    const found = openedAs === 'inferred' ? inferMetadata(lock.path, options) : readMetadataFile(lock.path, verity);
    const unknownFeatures = checkCompatibility(found.metadata, options.algorithm);
    const secure = isSecure(found.metadata, found.verity) && options.insecure !== true;
    if (options.requireVerity === true && !secure) throw new RepositoryError('VERITY_REQUIRED', lock.path, NO_VERITY);
    if (!lock.held) onWarning?.('this system has no flock: nothing keeps other processes from collecting meanwhile');
    const { imageReader, blockHash } = options;
    const upgradeFirst = openedAs === 'inferred' ? laterUpgrade(lock.path, found, options) : undefined;
    const { metadata } = found;
    return new Repository({ lock, metadata, secure, openedAs, unknownFeatures, upgradeFirst, imageReader, onWarning, verity, blockHash });
  } catch (error) {
    lock.close();
    throw error;
  }
}

function isSecure({ algorithm }: RepositoryMetadata, verity: Algorithm | undefined): boolean {
  if (verity === undefined || verity === algorithm) return verity !== undefined;
  const message = `meta.json is of ${formatAlgorithmName(algorithm)}, but its own fs-verity of ${formatAlgorithmName(verity)}`;
  throw new RepositoryError('ALGORITHM_MISMATCH', 'meta.json', message);
}

function upgrade(root: string, options: OpenOptions): void {
  const found = inferMetadata(root, options);
  assertWritable(root, []);
  writeInferred(root, found, options.verity ?? kernelVerity);
}

/** What `meta.json` would say. The metadata are those of a new repository, as in the reference. */
function inferMetadata(root: string, { algorithm: expected, verity = kernelVerity }: OpenOptions): FoundMetadata {
  const { algorithm, secure } = inferFromObjects(root, verity);
  if (expected !== undefined && algorithm !== expected) {
    const message = `inferred algorithm ${formatAlgorithmName(algorithm)} is not compatible with this repository type (expected ${formatAlgorithmName(expected)})`;
    throw new RepositoryError('ALGORITHM_MISMATCH', 'objects', message);
  }
  return { metadata: newMetadata(algorithm), verity: secure ? algorithm : undefined };
}

function writeInferred(root: string, { metadata, verity: own }: FoundMetadata, verity: VerityCalls): void {
  if (!writeMetadataFile(root, metadata, own !== undefined, verity)) assertSame(root, metadata, verity);
}

/** The upgrade that a handle makes when it is first written to: nobody else would say that it happened. */
function laterUpgrade(root: string, found: FoundMetadata, { verity = kernelVerity, onWarning }: OpenOptions): () => void {
  return () => {
    writeInferred(root, found, verity);
    onWarning?.(`upgraded the repository ${root}, which had no meta.json: ${formatAlgorithmName(found.metadata.algorithm)}`);
  };
}

function makeDirectory(path: string): boolean {
  try {
    mkdirSync(path, 0o700);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) throw error;
  }
}

function isReadable(root: string, verity: VerityCalls): boolean {
  try {
    readMetadataFile(root, verity);
    return true;
  } catch (error) {
    if (error instanceof RepositoryError || hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return false;
    throw error;
  }
}

function assertSame(root: string, wanted: RepositoryMetadata, verity: VerityCalls): void {
  const { metadata } = readMetadataFile(root, verity);
  if (sameMetadata(metadata, wanted)) return;
  const message = `repository already initialized with different configuration (${describe(metadata)}); cannot re-initialize with (${describe(wanted)})`;
  throw new RepositoryError('CONFLICTING_CONFIGURATION', 'meta.json', message);
}

function describe(metadata: RepositoryMetadata): string {
  const { default: format, extra } = effectiveFormats(metadata);
  const formats = [format, ...extra].map((number) => `V${number}`).join('+');
  return `algorithm: ${formatAlgorithmName(metadata.algorithm)}, erofs_version: ${formats}`;
}

const NO_VERITY = 'repository was not initialized with fs-verity (hint: re-create with `cfskit init` on a verity-capable filesystem)';
