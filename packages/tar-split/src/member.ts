import { copyBytes } from './copy.ts';
import { deviceNumber } from './device.ts';
import { headerLinkName, headerPath, type HeaderFormat } from './header.ts';
import type { ParsedMember } from './member-parser.ts';
import { absolutePath } from './path.ts';
import type { TarXattr } from './pax.ts';
import { entryType, TYPE, type TarEntryType } from './ustar.ts';

/** Modification time: whole seconds since the epoch (signed 64 bits), and nanoseconds from 0 to 999999999. */
export interface TarTime {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

/** What every entry has. All byte strings are copies that the receiver owns. */
export interface TarMetadata {
  /** Starts with a slash and has none at its end; the root is empty. `.`, `..` and doubled slashes are as in the tar. */
  readonly path: Uint8Array;
  /** As in the header: permission bits, and file type bits if the writer put them there. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: TarTime;
  /** Sorted by name, names unique. */
  readonly xattrs: readonly TarXattr[];
}

/** An entry as its header and records describe it, before its content is known. */
export interface TarMember extends TarMetadata {
  /** Where its header block stands in the tar; records in front of it start earlier. */
  readonly offset: number;
  /** `unknown` for everything a listing refuses: sparse files and other type flags. */
  readonly type: TarEntryType | 'unknown';
  /** Byte 156 of the header. */
  readonly typeflag: number;
  readonly format: HeaderFormat;
  /** Bytes of content in the tar, without padding. Types other than `file` may have some. */
  readonly size: number;
  /** Of symlinks verbatim, of hard links made absolute like `path`. May be empty. */
  readonly target?: Uint8Array;
  /** Of devices; absent where the header has no device numbers. */
  readonly rdev?: bigint;
}

/** Names of flags that are known, but are no entries, as listings print them. */
const NO_ENTRIES = new Map<number, string>([
  [TYPE.longName, 'GnuLongName'],
  [TYPE.longLink, 'GnuLongLink'],
  [TYPE.sparse, 'GnuSparse'],
  [TYPE.pax, 'XHeader'],
]);

/** Whether content of more than 64 bytes goes into an object. */
export function isFile(member: ParsedMember): boolean {
  return entryType(member.typeflag) === 'file' || (member.typeflag === TYPE.sparse && member.sparse);
}

/** The text for a type that a listing refuses. */
export function typeName(flag: number): string {
  return NO_ENTRIES.get(flag) ?? `Other(${flag})`;
}

/** Resolve names, times and ids: PAX over GNU records over header. */
export function describeMember(parsed: ParsedMember): TarMember {
  const { owner, pax, format, size, offset } = parsed;
  const type = parsed.sparse ? 'unknown' : (entryType(parsed.typeflag) ?? 'unknown');
  const target = linkTarget(parsed, type);
  const rdev = device(parsed, type);
  return {
    offset,
    type,
    typeflag: parsed.typeflag,
    format,
    size,
    path: absolutePath(pax?.sparseName ?? pax?.path ?? parsed.longName ?? headerPath(parsed.bytes, parsed.at, format)),
    mode: owner.mode,
    uid: pax?.uid ?? owner.uid,
    gid: pax?.gid ?? owner.gid,
    mtime: { seconds: BigInt(pax?.mtime ?? owner.mtime), nanoseconds: pax?.nanoseconds ?? 0 },
    xattrs: pax?.xattrs ?? [],
    ...(target && { target }),
    ...(rdev !== undefined && { rdev }),
  };
}

function linkTarget(parsed: ParsedMember, type: TarMember['type']): Uint8Array | undefined {
  if (type !== 'symlink' && type !== 'hard-link') return undefined;
  const target = parsed.pax?.linkPath ?? parsed.longLink ?? headerLinkName(parsed.bytes, parsed.at);
  return type === 'hard-link' ? absolutePath(target) : copyBytes(target);
}

function device(parsed: ParsedMember, type: TarMember['type']): bigint | undefined {
  if (type !== 'character-device' && type !== 'block-device') return undefined;
  const numbers = parsed.owner.device;
  return numbers && deviceNumber(numbers.major, numbers.minor);
}
