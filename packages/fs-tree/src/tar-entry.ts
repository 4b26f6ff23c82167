import { objectPath, type ObjectId } from '@cfskit/fs-verity';
import { toLatin1 } from '@cfskit/binary';
import { formatDumpLine, formatHardLinkLine, type DumpLine } from './dump-line.ts';
import type { ByteString } from './escape.ts';
import { TYPE_BITS } from './file-type.ts';
import type { LayerEntry } from './layer-entry.ts';
import type { FileContent } from './node.ts';
import { NO_XATTRS, PERMISSIONS, type Stat, type Time } from './stat.ts';

interface TarMetadata {
  readonly path: Uint8Array;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Time;
  readonly xattrs: readonly { readonly name: Uint8Array; readonly value: Uint8Array }[];
}

/** An entry as the listing of a stored layer gives it (`readEntries` of `@cfskit/tar-split`): names are bytes, paths absolute. */
export type TarEntry = TarMetadata &
  (
    | { readonly type: 'directory' | 'fifo' }
    | {
        readonly type: 'file';
        readonly content:
          | { readonly kind: 'inline'; readonly bytes: Uint8Array }
          | { readonly kind: 'external'; readonly objectId: ObjectId; readonly size: number };
      }
    | { readonly type: 'symlink' | 'hard-link'; readonly target: Uint8Array }
    | { readonly type: 'character-device' | 'block-device'; readonly rdev: bigint }
  );

/**
 * The dump line of an entry in the listing of a layer, without a line feed. Link counts are 1 there, the root prints as `-`, and mode bits
 * that the header holds beyond the permissions are shown.
 */
export function formatTarEntry(entry: TarEntry): string {
  const path = toLatin1(entry.path);
  if (entry.type === 'hard-link') return formatHardLinkLine(path, toLatin1(entry.target));
  const { uid, gid, mtime } = entry;
  const mode = (entry.mode | TYPE_BITS[entry.type]) >>> 0;
  return formatDumpLine({ path, mode, nlink: 1, uid, gid, mtime, xattrs: xattrPairs(entry.xattrs), ...contentFields(entry) });
}

/** The same entry for a merge of layers. Only permission bits are kept of its mode. */
export function layerEntryOf(entry: TarEntry): LayerEntry {
  const path = toLatin1(entry.path);
  const stat = statOf(entry);
  switch (entry.type) {
    case 'file':
      return { kind: 'file', path, stat, content: entry.content satisfies FileContent };
    case 'symlink':
    case 'hard-link':
      return { kind: entry.type, path, stat, target: toLatin1(entry.target) };
    case 'character-device':
    case 'block-device':
      return { kind: entry.type, path, stat, rdev: entry.rdev };
    default:
      return { kind: entry.type, path, stat };
  }
}

function contentFields(entry: TarEntry): Pick<DumpLine, 'size' | 'rdev' | 'payload' | 'content' | 'digest'> {
  switch (entry.type) {
    case 'file': {
      const { content } = entry;
      if (content.kind === 'inline') return { size: content.bytes.length, rdev: 0, content: toLatin1(content.bytes) };
      return { size: content.size, rdev: 0, payload: objectPath(content.objectId), digest: content.objectId };
    }
    case 'symlink':
      return { size: entry.target.length, rdev: 0, payload: toLatin1(entry.target) };
    case 'character-device':
    case 'block-device':
      return { size: 0, rdev: entry.rdev };
    default:
      return { size: 0, rdev: 0 };
  }
}

function statOf({ mode, uid, gid, mtime, xattrs }: TarEntry): Stat {
  return { mode: mode & PERMISSIONS, uid, gid, mtime, xattrs: xattrs.length === 0 ? NO_XATTRS : new Map(xattrPairs(xattrs)) };
}

function xattrPairs(xattrs: TarEntry['xattrs']): (readonly [ByteString, ByteString])[] {
  return xattrs.map(({ name, value }) => [toLatin1(name), toLatin1(value)] as const);
}
