import type { ByteString } from './escape.ts';

const PREFIX = '.wh.';
const RESERVED = '.wh..wh.';
const OPAQUE = '.wh..wh..opq';

/** What a layer removes: everything in a directory, or one name of it. */
export type Marker = { readonly kind: 'opaque' } | { readonly kind: 'whiteout'; readonly hides: ByteString };

/** The marker that a file name stands for, if it does: `.wh..wh..opq`, or `.wh.` and the name to remove. */
export function parseMarker(name: ByteString): Marker | undefined {
  if (!name.startsWith(PREFIX)) return undefined;
  return name === OPAQUE ? { kind: 'opaque' } : { kind: 'whiteout', hides: name.slice(PREFIX.length) };
}

/** Whether a path belongs to the book-keeping of AUFS: a component starts with `.wh..wh.` and is no opaque marker at the end. */
export function isReserved(names: readonly ByteString[]): boolean {
  return names.some((name, i) => name.startsWith(RESERVED) && !(name === OPAQUE && i === names.length - 1));
}
