import { DecodeError } from './errors.ts';
import type { Field } from './field.ts';

const HIGH = 2 ** 32;

/** Unsigned 8-bit integer. */
export const u8: Field<number> = {
  size: 1,
  get: (view, at) => view.getUint8(at),
  set: (view, at, value) => view.setUint8(at, checkNumber(value, 0, 0xff)),
};

/** Unsigned 16-bit integer, little-endian. */
export const u16: Field<number> = {
  size: 2,
  get: (view, at) => view.getUint16(at, true),
  set: (view, at, value) => view.setUint16(at, checkNumber(value, 0, 0xffff), true),
};

/** Unsigned 32-bit integer, little-endian. */
export const u32: Field<number> = {
  size: 4,
  get: (view, at) => view.getUint32(at, true),
  set: (view, at, value) => view.setUint32(at, checkNumber(value, 0, 0xffffffff), true),
};

/** Unsigned 64-bit little-endian length, offset or count, as a number: 2^53 and above are refused in both directions. */
export const u64: Field<number> = {
  size: 8,
  get(view, at) {
    const high = view.getUint32(at + 4, true);
    if (high >= 2 ** 21) throw new DecodeError('OUT_OF_RANGE', at, `${view.getBigUint64(at, true)} is not below 2^53`);
    return high * HIGH + view.getUint32(at, true);
  },
  set(view, at, value) {
    checkNumber(value, 0, Number.MAX_SAFE_INTEGER);
    view.setUint32(at, value % HIGH, true);
    view.setUint32(at + 4, Math.floor(value / HIGH), true);
  },
};

/** Signed 64-bit little-endian integer as a number, from -(2^53 - 1) to 2^53 - 1; others are refused in both directions. */
export const i64: Field<number> = {
  size: 8,
  get(view, at) {
    const value = view.getBigInt64(at, true);
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new DecodeError('OUT_OF_RANGE', at, `${value} is not between -2^53 and 2^53`);
    return number;
  },
  set: (view, at, value) => view.setBigInt64(at, BigInt(checkNumber(value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)), true),
};

/** Unsigned 64-bit little-endian identifier or mask, as a bigint. */
export const u64Big: Field<bigint> = {
  size: 8,
  get: (view, at) => view.getBigUint64(at, true),
  set: (view, at, value) => view.setBigUint64(at, checkBig(value, 0n, 2n ** 64n - 1n), true),
};

/** Signed 64-bit little-endian integer, as a bigint. */
export const i64Big: Field<bigint> = {
  size: 8,
  get: (view, at) => view.getBigInt64(at, true),
  set: (view, at, value) => view.setBigInt64(at, checkBig(value, -(2n ** 63n), 2n ** 63n - 1n), true),
};

// DataView's setters wrap around in silence.
function checkNumber(value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`wanted an integer from ${min} to ${max}, found ${value}`);
  }
  return value;
}

function checkBig(value: bigint, min: bigint, max: bigint): bigint {
  if (value < min || value > max) throw new RangeError(`wanted an integer from ${min} to ${max}, found ${value}`);
  return value;
}
