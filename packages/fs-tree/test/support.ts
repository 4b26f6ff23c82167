import { fromLatin1 } from '@cfskit/binary';
import {
  dumpLines,
  EPOCH,
  FsTreeError,
  LayerMerge,
  NO_XATTRS,
  type Directory,
  type LayerEntry,
  type MergeOptions,
  type Stat,
} from '../src/index.ts';

/** An entry of a layer as the vectors write it. */
export interface VectorEntry {
  readonly path: string;
  readonly kind: 'dir' | 'file' | 'ext' | 'sym' | 'link' | 'chr' | 'blk' | 'fifo';
  readonly mode: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly sec?: number;
  readonly nsec?: number;
  readonly xattrs?: Readonly<Record<string, string>>;
  readonly data?: string;
  readonly digest?: string;
  readonly size?: number;
  readonly target?: string;
  readonly rdev?: number;
}

export function stat(fields: Partial<Stat> = {}): Stat {
  return { mode: 0o644, uid: 0, gid: 0, mtime: EPOCH, xattrs: NO_XATTRS, ...fields };
}

/** The path that the listing of a layer shows for a tar name. */
function listed(name: string): string {
  const path = name.replace(/^\//, '').replace(/\/+$/, '');
  return path === '' ? '' : `/${path}`;
}

export function layerEntry(entry: VectorEntry): LayerEntry {
  const common = {
    path: listed(entry.path),
    stat: stat({
      mode: Number.parseInt(entry.mode, 8),
      uid: entry.uid ?? 0,
      gid: entry.gid ?? 0,
      mtime: { seconds: BigInt(entry.sec ?? 0), nanoseconds: entry.nsec ?? 0 },
      xattrs: new Map(Object.entries(entry.xattrs ?? {})),
    }),
  };
  switch (entry.kind) {
    case 'dir':
      return { ...common, kind: 'directory' };
    case 'file':
      return { ...common, kind: 'file', content: { kind: 'inline', bytes: fromLatin1(entry.data ?? '') } };
    case 'ext':
      return { ...common, kind: 'file', content: { kind: 'external', objectId: entry.digest ?? '', size: entry.size ?? 0 } };
    case 'sym':
      return { ...common, kind: 'symlink', target: entry.target ?? '' };
    case 'link':
      return { ...common, kind: 'hard-link', target: listed(entry.target ?? '') };
    case 'chr':
      return { ...common, kind: 'character-device', rdev: entry.rdev ?? 0 };
    case 'blk':
      return { ...common, kind: 'block-device', rdev: entry.rdev ?? 0 };
    default:
      return { ...common, kind: 'fifo' };
  }
}

export function mergeLayers(layers: readonly (readonly LayerEntry[])[], options: MergeOptions): Directory {
  const merge = new LayerMerge(options);
  for (const layer of layers) {
    merge.beginLayer();
    for (const entry of layer) merge.add(entry);
  }
  return merge.finish().root;
}

export function dump(root: Directory): string {
  return [...dumpLines(root)].map((line) => `${line}\n`).join('');
}

/** The error of the package that `step` throws; any other is thrown on. */
export function failure(step: () => unknown): FsTreeError {
  try {
    step();
  } catch (error) {
    if (error instanceof FsTreeError) return error;
    throw error;
  }
  throw new Error('accepted');
}

/** What `step` returns, or the error of the package that it throws. */
export function outcome<T>(step: () => T): T | FsTreeError {
  try {
    return step();
  } catch (error) {
    if (error instanceof FsTreeError) return error;
    throw error;
  }
}
