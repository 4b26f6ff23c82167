import { systemError } from './errors.ts';
import { helperFailed, INHERITED, noMeans, runHelper } from './helper.ts';
import { call, libcFunction } from './libc.ts';
import { waitForLock, type FlockAsyncOptions } from './lock-wait.ts';

/** What flock(2) can do to the open file behind a descriptor. */
export type LockMode = 'shared' | 'exclusive' | 'unlock';

/** Options of {@link flock}. */
export interface FlockOptions {
  /** Block the thread until the lock is granted; otherwise answer at once. */
  readonly wait: boolean;
}

/**
 * Lock or unlock the open file that `fd` refers to, directories included (flock(2)).
 *
 * The lock belongs to the open file, not to the process, and ends when the last descriptor of it is closed. A lock held is converted,
 * **not atomically**: the old one is gone first, so after `false` the file has no lock at all. Without koffi, flock(1) does it on an
 * inherited descriptor.
 *
 * @returns whether the lock is held now; `false` only without `wait`, when somebody else's lock is in the way
 * @throws {LinuxError} the errno; UNSUPPORTED if there is neither koffi nor flock(1); HELPER_FAILED
 */
export function flock(fd: number, mode: LockMode, { wait }: FlockOptions): boolean {
  const native = nativeFlock();
  if (native === undefined) return flockByHelper(fd, mode, wait);
  const { errno } = call(native, fd, OPERATION[mode] | (wait ? 0 : LOCK_NB));
  if (errno !== 0 && errno !== EWOULDBLOCK) throw systemError('flock', errno);
  return errno === 0;
}

/**
 * {@link flock} without blocking the event loop or a pool thread: it asks again after 1, 2, 4, … 50 ms.
 *
 * A pool thread blocked in flock(2) could not be called back, neither by a signal nor at the end of the process, which waits for it.
 *
 * @returns `false` when `timeoutMs` is over
 * @throws {LinuxError} as {@link flock}; the signal's reason when aborted. The file then has no lock.
 */
export async function flockAsync(fd: number, mode: LockMode, options: FlockAsyncOptions = {}): Promise<boolean> {
  return waitForLock(() => flock(fd, mode, { wait: false }), options);
}

/** The lock outlives the program, because the descriptor it inherits shares our open file. BusyBox's flock has these options, too. */
function flockByHelper(fd: number, mode: LockMode, wait: boolean): boolean {
  const result = runHelper('flock', [...(wait ? [] : ['-n']), FLAG[mode], INHERITED], fd);
  if (result === undefined) throw noMeans('flock', 'flock');
  if (result.status === 0) return true;
  // A lock that is taken is status 1 without a word; errors of the program say what they are.
  if (result.status === 1 && !wait && result.stderr === '') return false;
  throw helperFailed('flock', 'flock', result);
}

const nativeFlock = libcFunction('int flock(int fd, int operation)');

const OPERATION = { shared: 1, exclusive: 2, unlock: 8 } as const;
const LOCK_NB = 4;
const FLAG = { shared: '-s', exclusive: '-x', unlock: '-u' } as const;
const EWOULDBLOCK = 11;
