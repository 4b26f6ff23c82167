import { decodeUtf8, printableName } from '@cfskit/cli-kit';
import type { TarEntry } from '@cfskit/tar-split';
import { formatTime } from './time.ts';

/** What an entry is called: its type in the tar, or what it stands for in an image. */
type EntryKind = TarEntry['type'] | 'whiteout' | 'opaque';

const LETTERS: Readonly<Record<EntryKind, string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  'hard-link': 'h',
  'character-device': 'c',
  'block-device': 'b',
  fifo: 'p',
  whiteout: 'w',
  opaque: 'o',
};
const SLASH = 0x2f;
const ROOT = Uint8Array.of(SLASH);
const WHITEOUT = new TextEncoder().encode('.wh.');
const OPAQUE = new TextEncoder().encode('.wh..wh..opq');

/** The path as it is listed: that of the root is `/`. */
export function entryPath({ path }: TarEntry): Uint8Array {
  return path.byteLength === 0 ? ROOT : path;
}

/** The kind of an entry: a name that starts with `.wh.` is a whiteout, whatever its type. */
function entryKind(entry: TarEntry): EntryKind {
  const name = entry.path.subarray(entry.path.lastIndexOf(SLASH) + 1);
  if (startsWith(name, OPAQUE) && name.byteLength === OPAQUE.byteLength) return 'opaque';
  return startsWith(name, WHITEOUT) ? 'whiteout' : entry.type;
}

/** The entry as one line with everything but its path: `-rwxr-xr-x 0/0 5000 2026-11-20T16:06:53Z`. */
export function entryColumns(entry: TarEntry): string {
  const owner = `${entry.uid}/${entry.gid}`;
  return `${LETTERS[entryKind(entry)]}${permissions(entry.mode)} ${owner} ${String(entrySize(entry)).padStart(10)} ${formatTime(entry.mtime)}`;
}

/** The entry as JSON. What is no UTF-8 stands in `bytes` and `target_bytes` as base64, beside the escaped text. */
export function entryJson(entry: TarEntry): Readonly<Record<string, unknown>> {
  return {
    ...nameJson(entryPath(entry), 'path', 'bytes'),
    type: entryKind(entry),
    mode: (entry.mode & 0o7777).toString(8).padStart(4, '0'),
    uid: entry.uid,
    gid: entry.gid,
    size: entrySize(entry),
    mtime: formatTime(entry.mtime),
    ...('target' in entry && nameJson(entry.target, 'target', 'target_bytes')),
    ...(entry.type === 'file' && entry.content.kind === 'external' && { object: entry.content.objectId }),
  };
}

/** Where a link leads, for a line of text. */
export function linkTarget(entry: TarEntry): string | undefined {
  return 'target' in entry ? printableName(entry.target) : undefined;
}

function entrySize(entry: TarEntry): number {
  if (entry.type !== 'file') return 0;
  return entry.content.kind === 'inline' ? entry.content.bytes.byteLength : entry.content.size;
}

function nameJson(name: Uint8Array, key: string, bytesKey: string): Record<string, string> {
  const text = decodeUtf8(name);
  return text === undefined ? { [key]: printableName(name), [bytesKey]: Buffer.from(name).toString('base64') } : { [key]: text };
}

/** `rwxr-xr-x`, with s, S, t and T for the upper bits. */
function permissions(mode: number): string {
  const triple = (shift: number, special: number, letter: string): string => {
    const bits = (mode >> shift) & 7;
    const execute = (mode & special) === 0 ? (bits & 1 ? 'x' : '-') : bits & 1 ? letter : letter.toUpperCase();
    return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${execute}`;
  };
  return triple(6, 0o4000, 's') + triple(3, 0o2000, 's') + triple(0, 0o1000, 't');
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.byteLength >= prefix.byteLength && prefix.every((byte, index) => bytes[index] === byte);
}
