import { ContainersStorageError } from './errors.ts';

const SLASH = 0x2f;

/**
 * The path of an entry below the directory of its layer: what its name comes to without empty parts, `.` and `..`, as whoever unpacked it took it.
 *
 * @param layer for messages
 * @throws {ContainersStorageError} UNSAFE_PATH if it leads out of the directory, or names the directory itself
 */
export function pathBelow(name: Uint8Array, layer: string): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let start = 0; start <= name.byteLength;) {
    const slash = name.indexOf(SLASH, start);
    const end = slash < 0 ? name.byteLength : slash;
    const part = name.subarray(start, end);
    const text = Buffer.from(part).toString('latin1');
    if (text === '..') {
      if (parts.pop() === undefined) throw unsafe(name, layer);
    } else if (text !== '' && text !== '.') {
      parts.push(part);
    }
    start = end + 1;
  }
  if (parts.length === 0 || name.includes(0)) throw unsafe(name, layer);
  return Buffer.concat(parts.flatMap((part, index) => (index === 0 ? [part] : [Uint8Array.of(SLASH), part])));
}

function unsafe(name: Uint8Array, layer: string): ContainersStorageError {
  const shown = JSON.stringify(Buffer.from(name).toString());
  return new ContainersStorageError('UNSAFE_PATH', layer, `wanted a file below the directory of its layer, found ${shown}`);
}
