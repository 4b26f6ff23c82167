import { createRequire } from 'node:module';
import { once } from './once.ts';

/** What a native function may be given: numbers, strings (UTF-8, copied), the memory of a typed array, or a null pointer. */
export type NativeArgument = number | bigint | string | Uint8Array | null;

/**
 * A C function. `async` runs it on a thread of libuv's pool and answers by callback; a blocked one keeps its thread until it returns.
 */
export interface NativeFunction {
  (...args: readonly NativeArgument[]): number;
  async(...args: readonly (NativeArgument | ((error: unknown, result: number) => void))[]): void;
}

/** The part of koffi that this package uses. */
interface Koffi {
  readonly version: string;
  load(name: string | null): KoffiLibrary;
  errno(): number;
}

/** An opened library, as koffi hands it out. */
export interface KoffiLibrary {
  symbol(name: string): unknown;
  func(declaration: string): NativeFunction;
}

type Loaded = { readonly koffi: Koffi } | { readonly koffi?: undefined; readonly missing: string };

/**
 * koffi, or why there is none. It is an optional dependency: not every machine has a build of it, and `CFSKIT_NO_KOFFI=1` switches it off.
 * The variable is read at first use.
 */
export const loadKoffi: () => Loaded = once(() => {
  if (process.platform !== 'linux') return { missing: `native calls are for Linux, not ${process.platform}` };
  if (process.env['CFSKIT_NO_KOFFI'] === '1') return { missing: 'switched off by CFSKIT_NO_KOFFI=1' };
  try {
    return { koffi: createRequire(import.meta.url)('koffi') as Koffi };
  } catch (cause) {
    // Not installed, no build for this machine, libstdc++ missing: whatever it is, the fallbacks serve, and capabilities() tells.
    return { missing: cause instanceof Error ? (cause.message.split('\n')[0] ?? cause.name) : String(cause) };
  }
});

/** errno of the last native call of this thread; inside the callback of an asynchronous call, of that call. */
export function lastErrno(): number {
  return loadKoffi().koffi?.errno() ?? 0;
}
