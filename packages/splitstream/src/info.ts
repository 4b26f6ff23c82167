import { decode, DecodeError, encode, struct, u64, u64Big, type Struct } from '@cfskit/binary';
import { SplitstreamError } from './errors.ts';
import { fileRange, type FileRange } from './range.ts';

/** What the info section tells: where the other sections are, and what the stream stands for. */
export interface Info {
  readonly streamRefs: FileRange;
  readonly objectRefs: FileRange;
  readonly stream: FileRange;
  readonly namedRefs: FileRange;
  readonly contentType: bigint;
  /** Bytes of the content: those inside, and those of the objects in its place. */
  readonly streamSize: number;
}

/** 80 bytes. A longer section is fine: what follows is for later versions. */
export const info: Struct<Info> = struct<Info>({
  streamRefs: fileRange, //    0
  objectRefs: fileRange, //   16
  stream: fileRange, //       32  before named refs here, behind them in the file
  namedRefs: fileRange, //    48
  contentType: u64Big, //     64
  streamSize: u64, //         72
});

/** Bytes of the section that are read. */
export const INFO_SIZE: number = info.size;

/** @throws {SplitstreamError} BAD_INFO */
export function decodeInfo(bytes: Uint8Array): Info {
  try {
    return decode(info, bytes);
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause;
    throw new SplitstreamError('BAD_INFO', `Error reading splitstream metadata: ${cause.message}`, { cause });
  }
}

/** The section as it is written, without anything for later versions. */
export function encodeInfo(value: Info): Uint8Array<ArrayBuffer> {
  return encode(info, value);
}
