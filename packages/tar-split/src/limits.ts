import { TarSplitError } from './errors.ts';
import type { ParsedMember } from './member-parser.ts';

/**
 * Bounds that the format does not have. Without one, only the 1 MiB of records per entry bounds names and attributes, and the number of
 * entries is open: neither takes memory here, but it may in what is built from them.
 */
export interface TarLimits {
  readonly maxEntries?: number;
  /** Bytes of a path or link target that a record carries; without records they have at most 256 bytes. */
  readonly maxPathLength?: number;
  readonly maxXattrs?: number;
}

/** @throws {TarSplitError} LIMIT */
export function checkLimits(limits: TarLimits, member: ParsedMember, entries: number): void {
  const { maxEntries, maxPathLength, maxXattrs } = limits;
  if (maxEntries !== undefined && entries > maxEntries) throw exceeded(member, `more than ${maxEntries} entries`);
  if (maxPathLength !== undefined && longestName(member) > maxPathLength) {
    throw exceeded(member, `path of ${longestName(member)} bytes, at most ${maxPathLength} are allowed`);
  }
  const xattrs = member.pax?.xattrs.length ?? 0;
  if (maxXattrs !== undefined && xattrs > maxXattrs) throw exceeded(member, `${xattrs} xattrs, at most ${maxXattrs} are allowed`);
}

function longestName({ pax, longName, longLink }: ParsedMember): number {
  const names = [longName, longLink, pax?.path, pax?.linkPath, pax?.sparseName];
  return Math.max(0, ...names.map((name) => name?.length ?? 0));
}

function exceeded(member: ParsedMember, message: string): TarSplitError {
  return new TarSplitError('LIMIT', member.offset, message);
}
