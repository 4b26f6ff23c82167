import type { Field } from './field.ts';
import { toLatin1 } from './latin1.ts';

/**
 * A text of exactly `length` ASCII characters, such as a magic. No padding or terminator is added or removed.
 *
 * Written text must be ASCII. Reading takes any byte as the character of that number, so that comparing a magic with arbitrary
 * input gives "different", not an error.
 */
export function ascii(length: number): Field<string> {
  return {
    size: length,
    get: (view, at) => toLatin1(new Uint8Array(view.buffer, view.byteOffset + at, length)),
    set(view, at, value) {
      checkAscii(value, length);
      for (let i = 0; i < length; i++) view.setUint8(at + i, value.charCodeAt(i));
    },
  };
}

/** Exactly `length` bytes. What is read is a copy, so it does not keep the input alive. */
export function bytes(length: number): Field<Uint8Array> {
  return {
    size: length,
    get: (view, at) => new Uint8Array(view.buffer, view.byteOffset + at, length).slice(),
    set(view, at, value) {
      if (value.byteLength !== length) throw new RangeError(`wanted ${length} bytes, found ${value.byteLength}`);
      new Uint8Array(view.buffer, view.byteOffset + at, length).set(value);
    },
  };
}

function checkAscii(value: string, length: number): void {
  if (value.length !== length) throw new RangeError(`wanted ${length} characters, found ${value.length}`);
  for (let i = 0; i < length; i++) {
    if (value.charCodeAt(i) > 0x7f) throw new RangeError(`character ${i} of ${JSON.stringify(value)} is not ASCII`);
  }
}
