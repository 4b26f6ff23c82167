import { toLatin1 } from '@cfskit/binary';
import type { ByteString } from './escape.ts';

// For ASCII, UTF-8 and one character per byte are the same, and this takes 0.1 µs for a name where `toLatin1` takes 2 µs (Node 24).
const DECODER = new TextDecoder();

/** Bytes as a byte string. */
export function byteString(bytes: Uint8Array): ByteString {
  for (let i = 0; i < bytes.length; i++) if (bytes[i]! >= 0x80) return toLatin1(bytes);
  return DECODER.decode(bytes);
}
