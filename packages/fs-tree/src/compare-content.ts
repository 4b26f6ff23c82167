import { algorithmOf, fsVerityDigest, type ObjectId } from '@cfskit/fs-verity';
import type { ByteString } from './escape.ts';
import type { FileContent } from './node.ts';
import { objectOfPayload } from './payload.ts';

/** Whether two contents are the same bytes; undefined if that cannot be known, as with objects named by different algorithms. */
export type ContentComparison = (a: FileContent, b: FileContent) => boolean | undefined;

/**
 * Compare contents by what a tree holds of them: bytes with bytes, ids with ids of the same algorithm, and bytes with an id by hashing them.
 *
 * Objects of different algorithms, and files whose content the tree does not say, are the same only if nothing speaks against it: their sizes
 * are compared, and if they agree the answer is undefined.
 */
export function sameContent(a: FileContent, b: FileContent): boolean | undefined {
  if (sizeOf(a) !== sizeOf(b)) return false;
  if (sizeOf(a) === 0) return true;
  if (a.kind === 'inline') return b.kind === 'inline' ? equalBytes(a.bytes, b.bytes) : sameAsBytes(a.bytes, b);
  if (b.kind === 'inline') return sameAsBytes(b.bytes, a);
  const [idOfA, idOfB] = [objectOf(a), objectOf(b)];
  if (idOfA === undefined || idOfB === undefined) return a.kind === b.kind && payloadOf(a) === payloadOf(b) ? true : undefined;
  return idOfA.length === idOfB.length ? idOfA === idOfB : undefined;
}

/** Bytes of a file. */
export function sizeOf(content: FileContent): number {
  return content.kind === 'inline' ? content.bytes.length : content.size;
}

/**
 * The object that holds a content, also where an image names it without a digest to expect.
 *
 * @returns undefined if the content is in the tree, or nowhere
 */
export function objectOf(content: FileContent): ObjectId | undefined {
  if (content.kind === 'external') return content.objectId;
  return content.kind === 'external-no-verity' ? objectOfPayload(content.payload) : undefined;
}

/**
 * How a tree keeps a content, in a word: `inline`, `object`, `object-without-digest`, `nowhere`, and `object-at:` or `file-at:` with the path that
 * a dumpfile gave.
 */
export function storageOf(content: FileContent): ByteString {
  switch (content.kind) {
    case 'inline':
      return 'inline';
    case 'external':
      return content.payload === undefined ? 'object' : `object-at:${content.payload}`;
    case 'external-no-verity':
      return objectOfPayload(content.payload) === undefined ? `file-at:${content.payload}` : 'object-without-digest';
    default:
      return 'nowhere';
  }
}

function payloadOf(content: FileContent): string | undefined {
  return content.kind === 'external' || content.kind === 'external-no-verity' ? content.payload : undefined;
}

function sameAsBytes(bytes: Uint8Array, content: FileContent): boolean | undefined {
  const id = objectOf(content);
  return id === undefined ? undefined : fsVerityDigest(bytes, algorithmOf(id)) === id;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
