import { objectPath } from '@cfskit/fs-verity';
import { toLatin1 } from '@cfskit/binary';
import { formatDumpLine, formatHardLinkLine, type DumpLine } from './dump-line.ts';
import type { ByteString } from './escape.ts';
import { TYPE_BITS } from './file-type.ts';
import type { Directory, FileContent, Leaf, Node } from './node.ts';
import { joinPath, lookupNames, splitPath } from './path.ts';
import { objectOfPayload } from './payload.ts';
import { PERMISSIONS, type Xattrs } from './stat.ts';
import { countLinks, linkCount, walkTree } from './walk-tree.ts';

/** What of a tree to dump. */
export interface DumpOptions {
  /** Only what stands at this path. Link counts are those of the whole tree; the first name of a file is its first in this part. */
  readonly path?: ByteString;
  /** With `path`: a directory's own entries, and not what is below them. */
  readonly shallow?: boolean;
}

/**
 * The lines of a tree's dump, without line feeds: depth first, names in byte order, the root first.
 *
 * The form is that of composefs-rs: sizes of directories are 0, link counts are counted, and further names of a file print as bare links.
 * Both kinds of external file print payload and digest where the payload is an object's path, so the difference between them is lost.
 *
 * @throws {FsTreeError} NOT_FOUND, NOT_A_DIRECTORY, INVALID_PATH for `path`
 */
export function* dumpLines(root: Directory, options: DumpOptions = {}): Generator<string, void> {
  const links = countLinks(root);
  const names = splitPath(options.path ?? '/');
  const firstNames = new Map<Leaf, ByteString>();
  const depth = options.shallow === true ? 1 : Infinity;
  for (const { path, node } of walkTree(lookupNames(root, names), joinPath(names), depth)) {
    const first = node.kind === 'directory' ? undefined : firstNames.get(node);
    if (first === undefined) {
      yield formatDumpLine(dumpLineOf(path, node, linkCount(node, links)));
      if (node.kind !== 'directory' && links.get(node) !== 1) firstNames.set(node, path);
    } else {
      yield formatHardLinkLine(path, first);
    }
  }
}

const CHUNK = 256 * 1024;

/** The bytes of a whole dumpfile, in chunks of about 256 KiB. */
export function* writeDumpfile(root: Directory, options: DumpOptions = {}): Generator<Uint8Array<ArrayBuffer>, void> {
  const encoder = new TextEncoder();
  let text = '';
  for (const line of dumpLines(root, options)) {
    text += `${line}\n`;
    if (text.length < CHUNK) continue;
    yield encoder.encode(text);
    text = '';
  }
  if (text !== '') yield encoder.encode(text);
}

/** The fields of a node's line. */
export function dumpLineOf(path: ByteString, node: Node, nlink: number): DumpLine {
  const { mode, uid, gid, mtime, xattrs } = node.stat;
  return {
    path,
    mode: TYPE_BITS[node.kind] | (mode & PERMISSIONS),
    nlink,
    uid,
    gid,
    mtime,
    xattrs: sortXattrs(xattrs),
    ...contentFields(node),
  };
}

type ContentFields = Pick<DumpLine, 'size' | 'rdev' | 'payload' | 'content' | 'digest'>;

function contentFields(node: Node): ContentFields {
  switch (node.kind) {
    case 'file':
      return fileFields(node.content);
    case 'symlink':
      return { size: node.target.length, rdev: 0, payload: node.target };
    case 'character-device':
    case 'block-device':
      return { size: 0, rdev: node.rdev };
    default:
      return { size: 0, rdev: 0 };
  }
}

function fileFields(content: FileContent): ContentFields {
  switch (content.kind) {
    case 'inline':
      return { size: content.bytes.length, rdev: 0, content: toLatin1(content.bytes) };
    case 'external':
      return { size: content.size, rdev: 0, payload: objectPath(content.objectId), digest: content.objectId };
    case 'external-no-verity':
      return { size: content.size, rdev: 0, ...payloadDigest(content.payload) };
    default:
      return { size: content.size, rdev: 0 };
  }
}

// The reference keeps the object id of such a file, which is the end of its payload, and prints it as a digest.
function payloadDigest(payload: ByteString): Pick<DumpLine, 'payload' | 'digest'> {
  const digest = objectOfPayload(payload);
  return digest === undefined ? { payload } : { payload: objectPath(digest), digest };
}

function sortXattrs(xattrs: Xattrs): Iterable<readonly [ByteString, ByteString]> {
  if (xattrs.size < 2) return xattrs;
  return [...xattrs].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
