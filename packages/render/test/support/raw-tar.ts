import { tar } from '@cfskit/fixtures';

/** A header block of its own, with its checksum. */
export function block(fields: {
  name?: string;
  size?: number | Uint8Array;
  type?: string;
  link?: string;
  magic?: string;
  more?: [number, Uint8Array][];
}): Buffer {
  const bytes = Buffer.from(tar([{ path: fields.name ?? 'f', target: fields.link ?? '' }], { endBlocks: 0 }).subarray(0, 512));
  if (typeof fields.size === 'number') bytes.write(fields.size.toString(8).padStart(11, '0'), 124);
  else if (fields.size !== undefined) bytes.set(fields.size, 124);
  if (fields.type !== undefined) bytes.write(fields.type, 156, 'latin1');
  if (fields.magic !== undefined) bytes.write(fields.magic.padEnd(8, '\0'), 257, 'latin1');
  for (const [at, value] of fields.more ?? []) bytes.set(value, at);
  return withChecksum(bytes);
}

function withChecksum(bytes: Buffer): Buffer {
  bytes.fill(' ', 148, 156);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}

export function padded(text: string | Buffer): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

/** A metadata record and its data. */
export function record(type: string, data: string): Buffer {
  return Buffer.concat([block({ name: 'record', type, size: Buffer.byteLength(data) }), padded(data)]);
}

/** The two blocks of zeros behind the last entry. */
export const END: Buffer = Buffer.alloc(1024);

export function pax(records: Readonly<Record<string, string>>): string {
  return Object.entries(records)
    .map(([key, value]) => {
      const rest = Buffer.byteLength(` ${key}=${value}\n`);
      const digits = String(rest + 2).length;
      return `${rest + String(rest + digits).length} ${key}=${value}\n`;
    })
    .join('');
}

/** A number of a header field in base 256. */
export function base256(size: number, value: bigint): Buffer {
  const bytes = Buffer.alloc(size, value < 0n ? 0xff : 0);
  bytes.writeBigInt64BE(value, size - 8);
  bytes[0] = (bytes[0] ?? 0) | 0x80;
  return bytes;
}
