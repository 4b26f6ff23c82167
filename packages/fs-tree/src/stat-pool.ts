import { sameStat, type Stat } from './stat.ts';

/** A power of two. What falls into one slot takes turns in it: sharing saves memory, and nothing depends on it. */
const SLOTS = 1 << 16;

/**
 * Lets nodes share metadata that is the same. A node's own takes 130 bytes with its time, as much as all the rest of it, and there are few
 * different ones in most layers. Takes at most a few MiB, however many there are.
 */
export class StatPool {
  readonly #slots = new Map<number, Stat>();

  /** An equal stat that was met before, if it is still known, or else this one. */
  share(stat: Stat): Stat {
    const slot = slotOf(stat);
    const known = this.#slots.get(slot);
    // Bits of the mode beyond the permissions are part of no image, but they are part of what is shared.
    if (known !== undefined && known.mode === stat.mode && sameStat(known, stat)) return known;
    this.#slots.set(slot, stat);
    return stat;
  }
}

function slotOf({ mode, uid, gid, mtime, xattrs }: Stat): number {
  let hash = Number(BigInt.asIntN(32, mtime.seconds));
  for (const field of [mtime.nanoseconds, mode, uid, gid, xattrs.size]) hash = Math.imul(hash, 31) + field;
  return (hash ^ (hash >>> 16)) & (SLOTS - 1);
}
