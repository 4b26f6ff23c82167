import { systemError } from './errors.ts';
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

const libc = once(() => openLibrary(null));

/** Result of a call that reports failure as a negative number: the number, or the positive errno. Interrupted calls are repeated. */
export type CallResult = { readonly value: number; readonly errno: 0 } | { readonly errno: number };

/** Make the call; never throws for what the kernel answers. */
export function call(native: NativeFunction, ...args: readonly NativeArgument[]): CallResult {
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

const EINTR = 4;
