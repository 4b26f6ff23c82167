import { fromLatin1 } from '@cfskit/binary';
import {
  image,
  layoutFiles,
  tar,
  tarLayer,
  writeLayout,
  type Compression,
  type LayoutFiles,
  type TarEntry,
  type TarEntryType,
} from '@cfskit/fixtures';
import type { CaseEntry, FlattenCase } from './cases.ts';

/** The tag of every layout. */
export const TAG = 'case';

const TYPES: Readonly<Record<CaseEntry['kind'], TarEntryType>> = {
  dir: 'dir',
  file: 'file',
  sym: 'symlink',
  link: 'hardlink',
  chr: 'char',
  blk: 'block',
  fifo: 'fifo',
};

/** The tar of one layer of a case. */
export function caseTar(entries: readonly CaseEntry[]): Uint8Array<ArrayBuffer> {
  return tar(entries.map(tarEntry));
}

/** A case as the files of an OCI layout with one image. */
export function caseLayout({ layers }: Pick<FlattenCase, 'layers'>, compression: Compression = 'none'): LayoutFiles {
  return layoutFiles([{ image: image({ layers: layers.map((entries) => tarLayer(caseTar(entries), compression)) }), tag: TAG }]);
}

/** Write a case as an OCI layout. */
export async function writeCase(directory: string, one: Pick<FlattenCase, 'layers'>, compression: Compression = 'none'): Promise<void> {
  await writeLayout(directory, caseLayout(one, compression));
}

function tarEntry({ path, kind, mode, uid, gid, sec, nsec, xattrs, data, target, rdev }: CaseEntry): TarEntry {
  return {
    path: fromLatin1(path),
    type: TYPES[kind],
    mode: Number.parseInt(mode, 8),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(sec !== undefined && { mtime: sec }),
    ...(nsec !== undefined && { pax: { mtime: `${sec ?? 0}.${String(nsec).padStart(9, '0')}` } }),
    ...(xattrs !== undefined && { xattrs: Object.fromEntries(Object.entries(xattrs).map(([name, value]) => [name, fromLatin1(value)])) }),
    ...(data !== undefined && { content: fromLatin1(data) }),
    ...(target !== undefined && { target: fromLatin1(target) }),
    ...(rdev !== undefined && { device: [(rdev >>> 8) & 0xfff, (rdev & 0xff) | ((rdev >>> 12) & 0xfff00)] as const }),
  };
}
