import { closeSync, constants, openSync } from 'node:fs';
import { helperFailed, INHERITED, noMeans, runHelper, runHelperAsync, type HelperResult } from './helper.ts';
import { call, callAsync, check, libcFunction } from './libc.ts';

/**
 * Write everything that is still in memory to the file system that holds `target`, and wait for it (syncfs(2)).
 * Without koffi, `sync -f` does it.
 *
 * @param target an open descriptor, or a path
 * @throws {LinuxError} the errno (EIO: something written earlier is lost); UNSUPPORTED; HELPER_FAILED
 */
export function syncfs(target: number | string): void {
  const opened = open(target);
  try {
    const native = nativeSyncfs();
    if (native === undefined) checkHelper(runHelper('sync', HELPER_ARGS, opened.fd));
    else check('syncfs', call(native, opened.fd), opened.path);
  } finally {
    close(opened);
  }
}

/** {@link syncfs} on a thread of libuv's pool: it may take seconds. */
export async function syncfsAsync(target: number | string): Promise<void> {
  const opened = open(target);
  try {
    const native = nativeSyncfs();
    if (native === undefined) checkHelper(await runHelperAsync('sync', HELPER_ARGS, opened.fd));
    else check('syncfs', await callAsync(native, opened.fd), opened.path);
  } finally {
    close(opened);
  }
}

/** A descriptor, and the path it was opened for here, if it was. */
interface Target {
  readonly fd: number;
  readonly path: string | undefined;
}

function open(target: number | string): Target {
  if (typeof target === 'number') return { fd: target, path: undefined };
  return { fd: openSync(target, constants.O_RDONLY | constants.O_NONBLOCK), path: target };
}

function close({ fd, path }: Target): void {
  if (path !== undefined) closeSync(fd);
}

function checkHelper(result: HelperResult | undefined): void {
  if (result === undefined) throw noMeans('syncfs', 'sync');
  if (result.status !== 0) throw helperFailed('sync', 'syncfs', result);
}

const nativeSyncfs = libcFunction('int syncfs(int fd)');
const HELPER_ARGS = ['-f', `/proc/self/fd/${INHERITED}`];
