import { toLatin1 } from '@cfskit/binary';
import type { ByteString, FileContent } from '@cfskit/fs-tree';
import { objectPath } from '@cfskit/fs-verity';
import { ErofsError } from './errors.ts';
import { BLOCK } from './format.ts';
import type { ErofsImage } from './image.ts';
import { CHUNK_BASED } from './inode-layout.ts';
import type { OverlayState } from './overlay-state.ts';
import { payloadOfRedirect } from './overlay.ts';
import { dataOf, type Inode } from './read-inode.ts';

const PAYLOAD_MAX = 4095;

/**
 * What the tree has as the content of a regular file. Bytes are a copy.
 *
 * @throws {ErofsError} INVALID_XATTR
 */
export function contentOf(image: ErofsImage, inode: Inode, overlay: OverlayState): FileContent {
  const { size } = inode;
  const payload = overlay.redirect === undefined ? undefined : payloadOf(overlay.redirect, inode);
  const { objectId } = overlay;
  if (objectId !== undefined) {
    const isObjectPath = payload === objectPath(objectId);
    return { kind: 'external', objectId, size, ...(isObjectPath ? {} : { payload: payload ?? '' }) };
  }
  if (payload !== undefined) return { kind: 'external-no-verity', payload, size };
  return inode.layout === CHUNK_BASED ? { kind: 'sparse', size } : { kind: 'inline', bytes: dataBytes(image, inode) };
}

/**
 * The target of a symbolic link.
 *
 * @throws {ErofsError} INVALID_INODE
 */
export function targetOf(image: ErofsImage, inode: Inode): ByteString {
  const target = toLatin1(dataBytes(image, inode));
  if (target.includes('\0')) throw new ErofsError('INVALID_INODE', 'symbolic link with a NUL in its target', { offset: inode.offset });
  return target;
}

function payloadOf(redirect: ByteString, { offset }: Inode): ByteString {
  const payload = payloadOfRedirect(redirect);
  if (payload !== '' && payload.length <= PAYLOAD_MAX && !payload.includes('\0')) return payload;
  throw new ErofsError('INVALID_XATTR', `redirect of ${redirect.length} bytes that is no path`, { offset });
}

function dataBytes({ bytes }: ErofsImage, inode: Inode): Uint8Array {
  const { blockOffset, tailOffset, tailSize } = dataOf(inode);
  const data = new Uint8Array(inode.size);
  const cut = inode.size - tailSize;
  if (cut > 0) data.set(bytes.take(blockOffset, Math.ceil(cut / BLOCK) * BLOCK).subarray(0, cut));
  data.set(bytes.take(tailOffset, tailSize), cut);
  return data;
}
