import { toLatin1 } from '@cfskit/binary';
import { parseMarker } from '@cfskit/fs-tree';
import type { TarEntry } from '@cfskit/tar-split';
import type { EntryKind, ListedEntry } from './listed-entry.ts';

const SLASH = 0x2f;
const ROOT = Uint8Array.of(SLASH);

/** An entry of a stored layer for its listing. */
export function listLayerEntry(entry: TarEntry): ListedEntry {
  const { path, mode, uid, gid, mtime } = entry;
  return {
    path: path.byteLength === 0 ? ROOT : path,
    kind: entryKind(entry),
    mode,
    uid,
    gid,
    size: entrySize(entry),
    mtime,
    target: 'target' in entry ? entry.target : undefined,
    object: entry.type === 'file' && entry.content.kind === 'external' ? entry.content.objectId : undefined,
  };
}

/** The kind of an entry: a name that starts with `.wh.` is a whiteout, whatever its type. */
function entryKind(entry: TarEntry): EntryKind {
  const name = entry.path.subarray(entry.path.lastIndexOf(SLASH) + 1);
  return parseMarker(toLatin1(name))?.kind ?? entry.type;
}

function entrySize(entry: TarEntry): number {
  if (entry.type !== 'file') return 0;
  return entry.content.kind === 'inline' ? entry.content.bytes.byteLength : entry.content.size;
}
