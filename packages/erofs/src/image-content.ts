import { toLatin1 } from '@cfskit/binary';
import type { ByteString, FileContent } from '@cfskit/fs-tree';
import { objectPath } from '@cfskit/fs-verity';
import { BLOCK } from './format.ts';
import type { ErofsImage } from './image.ts';
import { CHUNK_BASED } from './inode-layout.ts';
import type { OverlayState } from './overlay-state.ts';
import { dataOf, type Inode } from './read-inode.ts';

/** What the tree has as the content of a regular file. Bytes are a copy. */
export function contentOf(image: ErofsImage, inode: Inode, { objectId, payload }: OverlayState): FileContent {
  const { size } = inode;
  if (objectId !== undefined) {
    const isObjectPath = payload === objectPath(objectId);
    return { kind: 'external', objectId, size, ...(isObjectPath ? {} : { payload: payload ?? '' }) };
  }
  if (payload !== undefined) return { kind: 'external-no-verity', payload, size };
  return inode.layout === CHUNK_BASED ? { kind: 'sparse', size } : { kind: 'inline', bytes: dataBytes(image, inode) };
}

/** The target of a symbolic link. */
export function targetOf(image: ErofsImage, inode: Inode): ByteString {
  return toLatin1(dataBytes(image, inode));
}

function dataBytes({ bytes }: ErofsImage, inode: Inode): Uint8Array {
  const { blockOffset, tailOffset, tailSize } = dataOf(inode);
  const data = new Uint8Array(inode.size);
  const cut = inode.size - tailSize;
  if (cut > 0) data.set(bytes.take(blockOffset, Math.ceil(cut / BLOCK) * BLOCK).subarray(0, cut));
  data.set(bytes.take(tailOffset, tailSize), cut);
  return data;
}
