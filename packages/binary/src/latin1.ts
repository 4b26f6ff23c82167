const PIECE = 4096; // arguments of one call; engines allow at least 65535

/**
 * One character per byte, U+0000 to U+00FF: a byte string that can be a map key, and that loses nothing whatever its encoding is.
 * (`TextDecoder('latin1')` is windows-1252 and differs from 0x80 to 0x9f.)
 */
export function toLatin1(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += PIECE) text += charactersOf(bytes.subarray(start, start + PIECE));
  return text;
}

// `apply` takes a typed array as it is: 0.1 µs for a name, where spreading it takes 2 µs (Node 24).
function charactersOf(piece: Uint8Array): string {
  return Reflect.apply(String.fromCharCode, undefined, piece as ArrayLike<number> as number[]);
}

/**
 * The bytes of a text made by {@link toLatin1}, or of any ASCII text.
 *
 * @throws {RangeError} if a character is above U+00FF
 */
export function fromLatin1(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) throw new RangeError(`character ${i} of ${JSON.stringify(text)} is above U+00FF`);
    bytes[i] = code;
  }
  return bytes;
}
