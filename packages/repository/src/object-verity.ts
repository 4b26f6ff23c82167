import { formatObjectId, objectPath, type Algorithm, type ObjectId } from '@cfskit/fs-verity';
import { hasCode, RepositoryError } from './errors.ts';
import type { StagedFile } from './staged-file.ts';
import type { VerityCalls } from './verity-calls.ts';

/**
 * What a store does about fs-verity: in a secure repository every object must have it; in an insecure one it is used where the file system
 * has it. Whether it has is found out once, with the first file.
 */
export class ObjectVerity {
  readonly secure: boolean;
  readonly #algorithm: Algorithm;
  readonly #calls: VerityCalls;
  #absent = false;

  constructor(algorithm: Algorithm, secure: boolean, calls: VerityCalls) {
    this.secure = secure;
    this.#algorithm = algorithm;
    this.#calls = calls;
  }

  /**
   * Make a finished file immutable, and have the kernel confirm what it is.
   *
   * @throws {RepositoryError} VERITY_UNSUPPORTED in a secure repository; CORRUPT_OBJECT if the kernel has another digest
   */
  seal(file: StagedFile, id: ObjectId): void {
    if (this.#isAbsent(file.fd)) {
      if (this.secure) throw unsupported(id, 'Enabling verity digest');
      return;
    }
    file.reopenReadOnly();
    this.#enable(file, id);
    this.vouches(file.fd, id, 'Double-checking verity digest');
  }

  /**
   * Whether the kernel vouches for the content of an open object.
   *
   * @param context what the caller is doing, for messages
   * @returns `false` in an insecure repository, for a file without verity: nobody has looked at its content
   * @throws {RepositoryError} CORRUPT_OBJECT if the kernel has another digest; VERITY_MISSING and VERITY_UNSUPPORTED in a secure repository
   */
  vouches(fd: number, id: ObjectId, context: string): boolean {
    if (this.#absent && !this.secure) return false;
    const measured = this.#calls.measure(fd);
    if (measured === undefined || measured === 'unsupported') {
      if (this.secure) throw measured === undefined ? missing(id, context) : unsupported(id, context);
      return false;
    }
    if (measured.algorithm !== this.#algorithm) {
      const message = `${context}: Expected algorithm ${this.#algorithm}, found ${measured.algorithm}`;
      throw new RepositoryError('CORRUPT_OBJECT', `objects/${objectPath(id)}`, message);
    }
    if (measured.digest !== id) throw corrupt(id, measured.digest, context);
    return true;
  }

  /** The digest that the kernel has for an open file; undefined if it has none. */
  measured(fd: number): string | undefined {
    const measured = this.#calls.measure(fd);
    return measured === undefined || measured === 'unsupported' ? undefined : measured.digest;
  }

  /** Enable verity on an object that has none, where that is possible. What it holds has been looked at. */
  enableInPlace(fd: number): void {
    if (this.#absent) return;
    try {
      if (this.#calls.enable(fd, this.#algorithm) === 'unsupported') this.#absent = true;
    } catch (error) {
      // The file is somebody else's, or on read-only media; without verity it stays what it was.
      if (!hasCode(error, 'EACCES', 'EPERM', 'EROFS')) throw error;
    }
  }

  /**
   * Make a file immutable that is about to become an object under a second name.
   *
   * @throws {RepositoryError} as {@link seal}; VERITY_UNSUPPORTED also if somebody has it open for writing. {LinuxError} EACCES and others.
   */
  enableSource(fd: number, id: ObjectId): void {
    const outcome = this.#absent ? 'unsupported' : this.#calls.enable(fd, this.#algorithm);
    if (outcome === 'busy') throw busy(id);
    if (outcome === 'unsupported') this.#absent = true;
    this.vouches(fd, id, 'Double-checking verity digest');
  }

  /** A file system without verity says so when it is asked to measure. */
  #isAbsent(fd: number): boolean {
    return (this.#absent ||= this.#calls.measure(fd) === 'unsupported');
  }

  #enable(file: StagedFile, id: ObjectId): void {
    const { outcome, copy } = this.#calls.enableOrCopy(file.fd, this.#algorithm, file.directory);
    if (copy !== undefined) file.become(copy);
    if (outcome === 'unsupported') this.#absent = true;
    if (outcome === 'unsupported' && this.secure) throw unsupported(id, 'Enabling verity digest');
    if (outcome === 'busy') throw busy(id);
  }
}

/** The error for content that is not what its name says. */
export function corrupt(id: ObjectId, found: string, context: string): RepositoryError {
  return new RepositoryError('CORRUPT_OBJECT', `objects/${objectPath(id)}`, `${context}: Expected digest ${id} but found ${found}`);
}

/** The error for an object that is not there. */
export function notFound(id: ObjectId, options?: ErrorOptions): RepositoryError {
  return new RepositoryError('NOT_FOUND', `objects/${objectPath(id)}`, `Opening object ${formatObjectId(id)}: no such object`, options);
}

function missing(id: ObjectId, context: string): RepositoryError {
  return new RepositoryError('VERITY_MISSING', `objects/${objectPath(id)}`, `${context}: fs-verity is not enabled on file`);
}

function busy(id: ObjectId): RepositoryError {
  return new RepositoryError('VERITY_UNSUPPORTED', `objects/${objectPath(id)}`, 'Enabling verity digest: File is opened for writing');
}

function unsupported(id: ObjectId, context: string): RepositoryError {
  return new RepositoryError('VERITY_UNSUPPORTED', `objects/${objectPath(id)}`, `${context}: Filesystem does not support fs-verity`);
}
