import { DecodeError } from './errors.ts';

const PAIRS: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Two lower-case hex digits per byte. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += PAIRS[byte]!;
  return text;
}

/**
 * The bytes that a text of hex digits (either case, nothing between them) stands for.
 *
 * @throws {DecodeError} TRUNCATED for an odd number of digits, OUT_OF_RANGE for anything that is no digit
 */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  if (text.length % 2 !== 0) throw new DecodeError('TRUNCATED', text.length, 'wanted pairs of hex digits, found half of one');
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = hexDigit(text, 2 * i) * 16 + hexDigit(text, 2 * i + 1);
  return bytes;
}

function hexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  if (lower >= 0x61 && lower <= 0x66) return lower - 0x61 + 10;
  throw new DecodeError('OUT_OF_RANGE', at, `wanted a hex digit, found ${JSON.stringify(text[at])}`);
}
