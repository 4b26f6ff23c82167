import type { Node } from './node.ts';

/** The type bits of `st_mode`, by kind of node. */
export const TYPE_BITS: Readonly<Record<Node['kind'], number>> = {
  socket: 0o140000,
  symlink: 0o120000,
  file: 0o100000,
  'block-device': 0o060000,
  directory: 0o040000,
  'character-device': 0o020000,
  fifo: 0o010000,
};

/** The bits of `st_mode` that hold the type. */
const TYPE_MASK = 0o170000;

const KINDS = new Map<number, Node['kind']>(Object.entries(TYPE_BITS).map(([kind, bits]) => [bits, kind as Node['kind']]));

/** The kind of node that `st_mode` names, if it is one of the seven. */
export function kindOf(mode: number): Node['kind'] | undefined {
  return KINDS.get(mode & TYPE_MASK);
}
