import { flockAsync, LinuxError } from '@cfskit/linux';
import { closeSync, constants, openSync } from 'node:fs';
import { RepositoryError } from './errors.ts';
import { Patience, type LockOptions, type WaitNotice } from './patience.ts';

/**
 * The advisory lock of a repository: flock(2) on its root directory, shared as long as the repository is open, exclusive during collection.
 * The lock is that of the descriptor: two handles of one process keep each other out, too.
 */
export class RepositoryLock {
  readonly path: string;
  /** The root directory, open for reading. */
  readonly fd: number;
  #held = false;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.fd = fd;
  }

  /**
   * Open the directory and take the shared lock.
   *
   * @throws {RepositoryError} LOCK_TIMEOUT. Node's own errors, for instance ENOENT. The signal's reason.
   */
  static async open(path: string, options: LockOptions): Promise<RepositoryLock> {
    const lock = new RepositoryLock(path, openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
    try {
      await lock.#take('shared', options);
      return lock;
    } catch (error) {
      lock.close();
      throw error;
    }
  }

  /** Whether there is a lock at all: systems without flock have none. */
  get held(): boolean {
    return this.#held;
  }

  /**
   * Run `work` under the exclusive lock. The way there gives the shared one up, so others may change the repository before `work` begins.
   * Afterwards the lock is shared again, whatever happened.
   *
   * @throws {RepositoryError} LOCK_TIMEOUT, UNLOCKED. The signal's reason. What `work` throws.
   */
  async exclusively<T>(work: () => Promise<T>, options: LockOptions): Promise<T> {
    if (!this.#held) throw new RepositoryError('UNLOCKED', this.path, 'this system has no flock: nothing keeps other processes out');
    try {
      await this.#take('exclusive', options);
      return await work();
    } finally {
      // Nobody holds the exclusive lock for ever, and without the shared one this handle would be worth nothing: no limit here.
      await this.#take('shared', {});
    }
  }

  /** Give the lock up. */
  close(): void {
    closeSync(this.fd);
  }

  async #take(mode: WaitNotice['mode'], options: LockOptions): Promise<void> {
    const patience = new Patience(mode, options);
    try {
      const waiting = flockAsync(this.fd, mode, { timeoutMs: options.lockTimeoutMs, signal: options.signal });
      this.#held = await patience.during(waiting);
    } catch (error) {
      if (error instanceof LinuxError && error.code === 'UNSUPPORTED') return;
      throw error;
    }
    if (!this.#held) throw lockTimeout(this.path, mode, options.lockTimeoutMs);
  }
}

/** The error for a lock that did not come in time. */
export function lockTimeout(path: string, mode: WaitNotice['mode'], lockTimeoutMs: number | undefined): RepositoryError {
  const message = `no ${mode} lock on ${path} within ${lockTimeoutMs} ms: somebody else is using the repository`;
  return new RepositoryError('LOCK_TIMEOUT', path, message);
}
