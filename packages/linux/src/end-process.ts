import { libcFunction } from './libc.ts';

/**
 * Ends the process now, whatever its threads are at: listeners of `exit` are called, and nothing else is cleaned up.
 *
 * `process.exit` terminates threads first; one that is in a native addon then ends the process with SIGABRT
 * (docs/decisions/ending-threads.md). It is what stands in without koffi.
 */
export function endProcess(code: number): never {
  const exit = nativeExit();
  if (exit !== undefined) {
    process.emit('exit', code);
    exit(code);
  }
  return process.exit(code);
}

const nativeExit = libcFunction('void _exit(int status)');
