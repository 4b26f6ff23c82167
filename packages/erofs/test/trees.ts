import { fromLatin1 } from '@cfskit/binary';
import { Directory, EPOCH, NO_XATTRS, type FileContent, type Leaf, type Node, type Stat } from '@cfskit/fs-tree';

export function stat(fields: Partial<Stat> = {}): Stat {
  return { mode: 0o644, uid: 0, gid: 0, mtime: EPOCH, xattrs: NO_XATTRS, ...fields };
}

/** A directory from names and nodes. */
export function directory(entries: Readonly<Record<string, Node>> = {}, fields: Partial<Stat> = {}): Directory {
  const built = new Directory(stat({ mode: 0o755, ...fields }));
  for (const [name, node] of Object.entries(entries)) built.insert(name, node);
  return built;
}

export function file(content: FileContent, fields: Partial<Stat> = {}): Leaf {
  return { kind: 'file', stat: stat(fields), content };
}

export function inline(text: string, fields: Partial<Stat> = {}): Leaf {
  return file({ kind: 'inline', bytes: fromLatin1(text) }, fields);
}

export function symlink(target: string, fields: Partial<Stat> = {}): Leaf {
  return { kind: 'symlink', stat: stat({ mode: 0o777, ...fields }), target };
}

export function device(rdev: number, fields: Partial<Stat> = {}): Leaf {
  return { kind: 'character-device', stat: stat(fields), rdev };
}

export const xattrs = (pairs: Readonly<Record<string, string>>): ReadonlyMap<string, string> => new Map(Object.entries(pairs));
