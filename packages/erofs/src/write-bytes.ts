import type { ByteString } from '@cfskit/fs-tree';

/** Put a byte string into `target`. */
export function putLatin1(target: Uint8Array, at: number, text: ByteString): void {
  for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i);
}
