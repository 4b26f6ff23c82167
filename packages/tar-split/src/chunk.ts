/**
 * A piece of a stored tar, as a splitstream holds it: inline bytes, or a reference to the object with one file's content.
 *
 * An inline run may come in pieces; `last` is set on the piece that ends it.
 */
export type TarChunk =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array; readonly last: boolean }
  | { readonly kind: 'external'; readonly objectId: string };
