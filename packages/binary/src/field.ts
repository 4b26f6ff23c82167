import { DecodeError } from './errors.ts';

/**
 * How one value of fixed size lies in a binary format. Fields are stateless and can be shared.
 *
 * `get` and `set` work on a `DataView` at an absolute position and trust that `size` bytes are there; {@link decode}, {@link encode}
 * and `Cursor` check that for their callers.
 */
export interface Field<T> {
  /** Bytes that the value takes. */
  readonly size: number;
  /** @throws {DecodeError} OUT_OF_RANGE if the bytes are no such value. */
  get(view: DataView, at: number): T;
  /** @throws {RangeError} if `value` does not fit; nothing has been written then. */
  set(view: DataView, at: number, value: T): void;
}

/** The type of the values that a field holds. */
export type Infer<F> = F extends Field<infer T> ? T : never;

/**
 * Read `field` from `bytes` at `at`; bytes after it are not looked at.
 *
 * @throws {DecodeError} TRUNCATED if fewer than `field.size` bytes are there, OUT_OF_RANGE as the field says
 */
export function decode<T>(field: Field<T>, bytes: Uint8Array, at: number = 0): T {
  requireBytes(bytes.byteLength, at, field.size);
  return field.get(viewOf(bytes), at);
}

/**
 * The bytes of one value, freshly allocated: exactly `field.size` of them.
 *
 * @throws {RangeError} if the value does not fit its field
 */
export function encode<T>(field: Field<T>, value: T): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(field.size);
  field.set(viewOf(bytes), 0, value);
  return bytes;
}

/** A view of exactly these bytes, wherever they lie in their buffer. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** @throws {DecodeError} TRUNCATED if fewer than `wanted` of the `available` bytes are left behind `at` */
export function requireBytes(available: number, at: number, wanted: number): void {
  const found = Math.max(0, available - at);
  if (wanted > found) throw new DecodeError('TRUNCATED', at, `wanted ${wanted} bytes, found ${found}`);
}
