import { loadKoffi, type KoffiLibrary, type NativeFunction } from './koffi.ts';
import { once } from './once.ts';

/** A shared library of the system. */
export interface NativeLibrary {
  /** The name it was found under; `null` is the process itself, its libc included. */
  readonly name: string | null;

  /**
   * Bind one C function, declared as in C: `'int isal_inflate(uint8_t *state)'`.
   *
   * The return type must be void, an integer or `uintptr_t`. Pointers that C code writes through are declared as plain pointers
   * and given typed arrays, whose memory is passed as it is. A declaration that differs from the real one corrupts memory.
   *
   * @returns undefined where the library has no such symbol
   * @throws {Error} koffi's own, for a declaration that it cannot read
   */
  func(declaration: string): NativeFunction | undefined;
}

/**
 * Open the first of several shared libraries that the system has. This and {@link addressOf} are the one door to koffi for all packages.
 *
 * @param names file names for dlopen, for instance `['libisal.so.2']`; `null` stands for the running process
 * @returns undefined without koffi, or when none of the names loads
 */
export function openLibrary(names: readonly string[] | null): NativeLibrary | undefined {
  const { koffi } = loadKoffi();
  if (koffi === undefined) return undefined;
  for (const name of names ?? [null]) {
    const library = tryLoad(() => koffi.load(name));
    if (library !== undefined) return { name, func: (declaration) => bind(library, declaration) };
  }
  return undefined;
}

/**
 * Address of the first byte of `bytes`, for C interfaces that want pointers inside structures.
 *
 * It stays valid as long as the ArrayBuffer is alive, attached and not resized: keep a reference to it beside the address.
 *
 * @returns undefined without koffi
 * @throws {RangeError} if the array is empty (it need not have any memory) or the address is above 2^53
 */
export function addressOf(bytes: Uint8Array): number | undefined {
  const memset = memsetFunction();
  if (memset === undefined) return undefined;
  if (bytes.byteLength === 0) throw new RangeError('an empty array has no address');
  // memset of no bytes returns its argument; koffi's own address() would make a pointer object first.
  const address = memset(bytes, 0, 0);
  if (!Number.isSafeInteger(address)) throw new RangeError(`address ${address} is not exact as a number`);
  return address;
}

const memsetFunction = once(() => openLibrary(null)?.func('uintptr_t memset(void *at, int value, size_t size)'));

function bind(library: KoffiLibrary, declaration: string): NativeFunction | undefined {
  const name = /(\w+)\s*\(/.exec(declaration)?.[1];
  if (name === undefined) throw new TypeError(`no function name in '${declaration}'`);
  // Ask for the symbol first: then an exception of func() is about the declaration.
  return tryLoad(() => library.symbol(name)) === undefined ? undefined : library.func(declaration);
}

/** koffi reports what it does not find by exceptions without a code. */
function tryLoad<T>(load: () => T): T | undefined {
  try {
    return load();
  } catch {
    return undefined;
  }
}
