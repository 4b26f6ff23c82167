import { readFileSync } from 'node:fs';

/** One entry of a layer. One character of a text is one byte. */
export interface CaseEntry {
  readonly path: string;
  readonly kind: 'dir' | 'file' | 'sym' | 'link' | 'chr' | 'blk' | 'fifo';
  /** Octal. */
  readonly mode: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly sec?: number;
  /** Written as a PAX record. */
  readonly nsec?: number;
  readonly xattrs?: Readonly<Record<string, string>>;
  readonly data?: string;
  readonly target?: string;
  readonly rdev?: number;
}

/** A dump, or that there is an error. */
export type CaseOutcome = string | { readonly error: true | string };

/** A stack of layers, and what it flattens to. */
export interface FlattenCase {
  readonly name: string;
  readonly note?: string;
  /** The oldest first. */
  readonly layers: readonly (readonly CaseEntry[])[];
  readonly expected: CaseOutcome;
  /** Hard links that are left out. */
  readonly dropped_links?: readonly string[];
  /** What umoci 0.4.7 answers, where that is something else. */
  readonly umoci?: CaseOutcome;
  /** The reason for that. */
  readonly why?: string;
}

/** All cases. */
export function loadCases(): readonly FlattenCase[] {
  const text = readFileSync(new URL('../cases.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly cases: readonly FlattenCase[] }).cases;
}

/** A dump with every owner 0:0, as `observe` gives it with `ignoreOwners`. */
export function withoutOwners(dump: string): string {
  return dump.replaceAll(/^(\S+ \d+ [0-7]+ \d+) \d+ \d+ /gm, '$1 0 0 ');
}

/** Whether only root can unpack a case and look at the result: it has devices, or things that their owner may not read. */
export function needsRoot({ layers }: FlattenCase): boolean {
  return layers
    .flat()
    .some(({ kind, mode }) => kind === 'chr' || kind === 'blk' || (Number.parseInt(mode, 8) & 0o500) < (kind === 'dir' ? 0o500 : 0o400));
}
