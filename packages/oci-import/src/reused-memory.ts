import type { Allocate } from '@cfskit/compression';

/** Memory for chunks that are used up before the next one is asked for: two buffers, in turn. */
export function reusedMemory(): Allocate {
  const buffers: Uint8Array<ArrayBuffer>[] = [];
  let turn = 0;
  return (size) => (buffers[turn++ % 2] ??= new Uint8Array(size));
}
