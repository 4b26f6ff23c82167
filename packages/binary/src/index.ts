export { concatBytes } from './concat.ts';
export { Cursor } from './cursor.ts';
export { DecodeError } from './errors.ts';
export { decode, encode } from './field.ts';
export { fromHex, toHex } from './hex.ts';
export { i64, i64Big, u16, u32, u64, u64Big, u8 } from './integer.ts';
export { fromLatin1, toLatin1 } from './latin1.ts';
export { ascii, bytes } from './octets.ts';
export { compareBytes, compareUtf8 } from './order.ts';
export { struct } from './struct.ts';

export type { DecodeErrorCode } from './errors.ts';
export type { Field, Infer } from './field.ts';
export type { Struct } from './struct.ts';
