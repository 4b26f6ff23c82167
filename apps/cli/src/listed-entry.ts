import { batchLines, decodeUtf8, printableName, type CommandContext } from '@cfskit/cli-kit';
import type { ObjectId } from '@cfskit/fs-verity';
import { mapItems } from './map-items.ts';
import { formatTime, type Time } from './time.ts';

/** What an entry is called: its type, or what it stands for in a layer. */
export type EntryKind =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'hard-link'
  | 'character-device'
  | 'block-device'
  | 'fifo'
  | 'socket'
  | 'whiteout'
  | 'opaque';

/** An entry of a layer or of an image, as listings show it. */
export interface ListedEntry {
  /** Bytes, absolute. */
  readonly path: Uint8Array;
  /** What a line shows of the path; all of it unless told. */
  readonly name?: Uint8Array;
  readonly kind: EntryKind;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: Time;
  /** Of a link. */
  readonly target?: Uint8Array | undefined;
  /** Of a file whose content is one. */
  readonly object?: ObjectId | undefined;
}

/** How a listing is printed. */
export interface ListingValues {
  readonly long: boolean;
  readonly null: boolean;
}

/** The options of every listing. */
export const listingOptions = {
  long: { type: 'boolean', short: 'l', description: 'Also mode, owner, size and time' },
  null: { type: 'boolean', short: '0', description: 'Names as they are, each ended by a NUL', conflicts: ['long', 'json'] },
} as const;

/** Print entries: names, lines with everything, NUL-terminated names, or JSON. */
export async function printListing(
  entries: Iterable<ListedEntry> | AsyncIterable<ListedEntry>,
  values: ListingValues,
  context: CommandContext,
): Promise<void> {
  if (values.null) return context.printRaw(rawNames(entries));
  return context.print({
    json: () => ({ entries: mapItems(entries, entryJson) }),
    text: () => lines(entries, values.long),
  });
}

async function* lines(entries: Iterable<ListedEntry> | AsyncIterable<ListedEntry>, long: boolean): AsyncGenerator<string, void> {
  for await (const entry of entries) {
    const name = printableName(entry.name ?? entry.path);
    yield long ? longLine(entry, name) : name;
  }
}

async function* rawNames(entries: Iterable<ListedEntry> | AsyncIterable<ListedEntry>): AsyncGenerator<Uint8Array, void> {
  for await (const text of batchLines(latin1Names(entries), '\0')) yield Buffer.from(text, 'latin1');
}

async function* latin1Names(entries: Iterable<ListedEntry> | AsyncIterable<ListedEntry>): AsyncGenerator<string, void> {
  for await (const { name, path } of entries) yield Buffer.from(name ?? path).toString('latin1');
}

/** `-rwxr-xr-x 0/0 5000 2026-11-20T16:06:53Z /path -> target`. */
function longLine({ kind, mode, uid, gid, size, mtime, target }: ListedEntry, name: string): string {
  const columns = `${LETTERS[kind]}${permissions(mode)} ${uid}/${gid} ${String(size).padStart(10)} ${formatTime(mtime)} ${name}`;
  return target === undefined ? columns : `${columns} -> ${printableName(target)}`;
}

/** The entry as JSON. What is no UTF-8 stands in `bytes` and `target_bytes` as base64, beside the escaped text. */
function entryJson({ path, kind, mode, uid, gid, size, mtime, target, object }: ListedEntry): Readonly<Record<string, unknown>> {
  return {
    ...nameJson(path, 'path', 'bytes'),
    type: kind,
    mode: (mode & 0o7777).toString(8).padStart(4, '0'),
    uid,
    gid,
    size,
    mtime: formatTime(mtime),
    ...(target !== undefined && nameJson(target, 'target', 'target_bytes')),
    ...(object !== undefined && { object }),
  };
}

/** A name as a key of JSON, and beside it its bytes as base64 if it is no UTF-8. */
export function nameJson(name: Uint8Array, key: string, bytesKey: string): Record<string, string> {
  const text = decodeUtf8(name);
  return text === undefined ? { [key]: printableName(name), [bytesKey]: Buffer.from(name).toString('base64') } : { [key]: text };
}

const LETTERS: Readonly<Record<EntryKind, string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  'hard-link': 'h',
  'character-device': 'c',
  'block-device': 'b',
  fifo: 'p',
  socket: 's',
  whiteout: 'w',
  opaque: 'o',
};

/** `rwxr-xr-x`, with s, S, t and T for the upper bits. */
function permissions(mode: number): string {
  const triple = (shift: number, special: number, letter: string): string => {
    const bits = (mode >> shift) & 7;
    const execute = (mode & special) === 0 ? (bits & 1 ? 'x' : '-') : bits & 1 ? letter : letter.toUpperCase();
    return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${execute}`;
  };
  return triple(6, 0o4000, 's') + triple(3, 0o2000, 's') + triple(0, 0o1000, 't');
}
