import { LinuxError, systemError } from './errors.ts';
import { lastErrno, type NativeArgument, type NativeFunction } from './koffi.ts';
import { openLibrary } from './library.ts';
import { once } from './once.ts';

/**
 * One function of the process's own libc (glibc or musl), bound at first use; undefined without koffi.
 * A file that wraps further calls declares each of them once, like this.
 */
export function libcFunction(declaration: string): () => NativeFunction | undefined {
  return once(() => libc()?.func(declaration));
}

/**
 * The same for a function whose arguments hold file offsets, times or structures that a 32-bit libc lays out in its own ways.
 * There it is left alone, and the fallback serves.
 */
export function libcFunction64(declaration: string): () => NativeFunction | undefined {
  return once(() => (HAS_64_BITS ? libc()?.func(declaration) : undefined));
}

/**
 * A system call by its number, for those that no libc, or only a new one, has a function for.
 *
 * @param number undefined where it is not known for this processor
 * @param declaration of the arguments after the number: `'int fd, uint command'`
 */
export function systemCall(number: number | undefined, declaration: string): () => PlainFunction | undefined {
  return once(() => {
    if (number === undefined || !HAS_64_BITS) return undefined;
    const native = libc()?.func(`long syscall(long number, ${declaration})`);
    return native && ((...args) => native(number, ...args));
  });
}

const libc = once(() => openLibrary(null));

/** A native function that is called and waited for. */
export type PlainFunction = (...args: readonly NativeArgument[]) => number;

/** Result of a call that reports failure as a negative number: the number, or the positive errno. Interrupted calls are repeated. */
export type CallResult = { readonly value: number; readonly errno: 0 } | { readonly errno: number };

/** Make the call; never throws for what the kernel answers. */
export function call(native: PlainFunction, ...args: readonly NativeArgument[]): CallResult {
  for (;;) {
    const value = native(...args);
    if (value >= 0) return { value, errno: 0 };
    const errno = lastErrno();
    if (errno !== EINTR) return { errno };
  }
}

/** Make the call on a thread of libuv's pool, so that the event loop keeps turning. */
export async function callAsync(native: NativeFunction, ...args: readonly NativeArgument[]): Promise<CallResult> {
  for (;;) {
    const result = await callOnceAsync(native, args);
    if (result.errno !== EINTR) return result;
  }
}

function callOnceAsync(native: NativeFunction, args: readonly NativeArgument[]): Promise<CallResult> {
  return new Promise((resolve, reject) => {
    native.async(...args, (error: unknown, value: number) => {
      if (error instanceof Error) reject(error);
      // errno has to be asked for in this callback: koffi restores it there.
      else resolve(value >= 0 ? { value, errno: 0 } : { errno: lastErrno() });
    });
  });
}

/** Throw for a failed call. */
export function check(syscall: string, result: CallResult, path?: string): void {
  if (result.errno !== 0) throw systemError(syscall, result.errno, path);
}

/** The value of a call that must succeed. */
export function valueOf(syscall: string, result: CallResult, path?: string): number {
  if (!('value' in result)) throw systemError(syscall, result.errno, path);
  return result.value;
}

/** @throws {LinuxError} UNSUPPORTED if there is no such function */
export function required<T>(syscall: string, native: T | undefined): T {
  if (native === undefined) throw new LinuxError('UNSUPPORTED', syscall, 'it needs koffi, on Linux, and a 64-bit processor');
  return native;
}

/** Processors whose pointers and file offsets have 32 bits; the others that Node runs on have 64. */
const HAS_64_BITS = !['arm', 'ia32', 'mips', 'mipsel', 'ppc'].includes(process.arch);

/** ENOSYS, and EPERM, which is how the system call filters of some containers answer a number that they do not know. */
export function isMissingCall(errno: number): boolean {
  return errno === ENOSYS || errno === EPERM;
}

const EPERM = 1;
const EINTR = 4;
const ENOSYS = 38;
