import { zstdCompressSync } from 'node:zlib';
import { bytes, concat } from './support.ts';

/** A splitstream by hand: sections as bytes, in any order in the file, with gaps. */
export interface Handmade {
  readonly algorithm?: number;
  readonly infoTail?: Uint8Array;
  readonly streamRefs?: Uint8Array;
  readonly objectRefs?: Uint8Array;
  /** Compressed; the empty frame if not given. */
  readonly namedRefs?: Uint8Array;
  readonly stream?: Uint8Array;
  readonly contentType?: bigint;
  readonly streamSize?: bigint;
  /** Replaces a range after everything is laid out. */
  readonly ranges?: Partial<Record<'info' | 'streamRefs' | 'objectRefs' | 'stream' | 'namedRefs', readonly [start: bigint, end: bigint]>>;
  /** Bytes before each section. */
  readonly gap?: number;
  readonly reversed?: boolean;
}

const SECTIONS = ['info', 'streamRefs', 'objectRefs', 'namedRefs', 'stream'] as const;

export function zstd(content: Uint8Array | string): Uint8Array {
  return new Uint8Array(zstdCompressSync(content));
}

/** Chunks of a stream section: a number is an index, anything else an inline run. */
export function chunks(...list: readonly (number | bigint | Uint8Array | string)[]): Uint8Array {
  return concat(
    list.flatMap((chunk) => {
      const head = Buffer.alloc(8);
      const body = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      if (typeof body === 'number' || typeof body === 'bigint') head.writeBigInt64LE(BigInt(body));
      else head.writeBigInt64LE(BigInt(-body.byteLength));
      return typeof body === 'number' || typeof body === 'bigint' ? [head] : [head, body];
    }),
  );
}

export function assemble(made: Handmade): Uint8Array {
  const empty = bytes('28b52ffd2000010000');
  const contents = {
    info: concat([new Uint8Array(80), made.infoTail ?? new Uint8Array(0)]),
    streamRefs: made.streamRefs ?? new Uint8Array(0),
    objectRefs: made.objectRefs ?? new Uint8Array(0),
    namedRefs: made.namedRefs ?? empty,
    stream: made.stream ?? empty,
  };
  const order = made.reversed === true ? SECTIONS.toReversed() : SECTIONS;
  const parts: Uint8Array[] = [new Uint8Array(32)];
  const ranges: Record<string, readonly [bigint, bigint]> = {};
  let end = 32;
  let infoAt = 0;
  for (const name of order) {
    parts.push(new Uint8Array(made.gap ?? 0).fill(0xaa), contents[name]);
    const start = end + (made.gap ?? 0);
    end = start + contents[name].byteLength;
    if (name === 'info') infoAt = start;
    ranges[name] = made.ranges?.[name] ?? [BigInt(start), BigInt(end)];
  }
  const file = Buffer.from(concat(parts));
  file.write('SplitStream');
  file[14] = made.algorithm ?? 1;
  file[15] = 12;
  writeRange(file, 16, ranges['info']);
  for (const [at, name] of [
    [0, 'streamRefs'],
    [16, 'objectRefs'],
    [32, 'stream'],
    [48, 'namedRefs'],
  ] as const)
    writeRange(file, infoAt + at, ranges[name]);
  file.writeBigUInt64LE(made.contentType ?? 0n, infoAt + 64);
  file.writeBigUInt64LE(made.streamSize ?? 1n << 40n, infoAt + 72);
  return new Uint8Array(file);
}

function writeRange(file: Buffer, at: number, range: readonly [bigint, bigint] | undefined): void {
  file.writeBigUInt64LE(range?.[0] ?? 0n, at);
  file.writeBigUInt64LE(range?.[1] ?? 0n, at + 8);
}
