import type { ByteString } from '@cfskit/fs-tree';

/** Put a byte string into `target`. */
export function putLatin1(target: Uint8Array, at: number, text: ByteString): void {
  for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i);
}

/** Put the bytes that lower-case hex digits stand for. */
export function putHex(target: Uint8Array, at: number, digits: string): void {
  for (let i = 0; i < digits.length; i += 2) target[at + i / 2] = (digit(digits.charCodeAt(i)) << 4) | digit(digits.charCodeAt(i + 1));
}

function digit(code: number): number {
  return code >= 0x61 ? code - 0x57 : code - 0x30;
}
