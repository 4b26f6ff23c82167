import { systemError } from './errors.ts';
import type { LockMode } from './flock.ts';
import { call, libcFunction64, required } from './libc.ts';
import { waitForLock, type FlockAsyncOptions } from './lock-wait.ts';

/**
 * Lock or unlock a whole file by its records (fcntl(2), F_OFD_SETLK). This is another kind of lock than {@link flock}'s, and neither sees the other:
 * the tools of containers use it for their storage.
 *
 * The lock belongs to the open file, not to the process, and ends when the last descriptor of it is closed. It excludes locks of whole processes
 * (F_SETLK) as well.
 *
 * @param fd open for reading for `shared`, for writing for `exclusive`
 * @returns whether the lock is held now; `false` when somebody else's is in the way
 * @throws {LinuxError} the errno; UNSUPPORTED without koffi
 */
export function recordLock(fd: number, mode: LockMode): boolean {
  const { errno } = call(required('fcntl', nativeFcntl()), fd, F_OFD_SETLK, wholeFile(mode));
  if (errno !== 0 && errno !== EAGAIN && errno !== EACCES) throw systemError('fcntl', errno);
  return errno === 0;
}

/**
 * {@link recordLock} that waits, without blocking the event loop: it asks again after 1, 2, 4, … 50 ms.
 *
 * @returns `false` when `timeoutMs` is over
 * @throws {LinuxError} as {@link recordLock}; the signal's reason
 */
export function recordLockAsync(fd: number, mode: LockMode, options: FlockAsyncOptions = {}): Promise<boolean> {
  return waitForLock(() => recordLock(fd, mode), options);
}

/** struct flock: type and whence of 16 bits, start and length of 64, where a length of 0 means up to the end; no process. */
function wholeFile(mode: LockMode): Uint8Array {
  const lock = new Uint8Array(32);
  new Int16Array(lock.buffer, 0, 1)[0] = TYPE[mode];
  return lock;
}

const nativeFcntl = libcFunction64('int fcntl(int fd, int command, uint8_t *lock)');

const F_OFD_SETLK = 37;
const TYPE = { shared: 0, exclusive: 1, unlock: 2 } as const;
const EAGAIN = 11;
const EACCES = 13;
