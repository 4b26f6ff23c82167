import { fromLatin1, toLatin1 } from '@cfskit/binary';
import type { ByteString } from '@cfskit/fs-tree';

/** A path in an image as it was typed, as bytes. */
export function imagePath(text: string): ByteString {
  return toLatin1(new TextEncoder().encode(text));
}

/** A path in an image, for what prints bytes. */
export function pathBytes(path: ByteString): Uint8Array {
  return fromLatin1(path);
}
