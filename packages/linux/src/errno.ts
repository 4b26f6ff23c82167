import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

/** Numbers of the generic table of Linux that Node has no name for. */
const EXTRA = { ENOTBLK: 15, ENOPKG: 65, EKEYREJECTED: 129 } as const;

/** Their texts, and that of ETXTBSY in the words of fs-verity, where it is the one cause. */
const TEXTS: Readonly<Record<string, string>> = {
  ENOTBLK: 'block device required',
  ENOPKG: 'the kernel has no such hash algorithm',
  EKEYREJECTED: 'signature verification failed',
};

/** Names that an errno can have here. `EUNKNOWN` is a number outside the tables; the error's `errno` still has it. */
export type ErrnoName = Exclude<keyof typeof constants.errno, `WSA${string}`> | keyof typeof EXTRA | 'EUNKNOWN';

/** Name and text of a positive errno. Where two names share a number, the one that Node's own errors use. */
export function errnoName(errno: number): { readonly name: ErrnoName; readonly text: string } {
  const known = getSystemErrorMap().get(-errno);
  if (known !== undefined) return { name: known[0] as ErrnoName, text: known[1] };
  const listed = Object.entries({ ...constants.errno, ...EXTRA }).find(([, number]) => number === errno);
  const name = (listed?.[0] ?? 'EUNKNOWN') as ErrnoName;
  return { name, text: TEXTS[name] ?? `error ${errno}` };
}
