/** CRC-32 as in gzip, continued from `value`, which starts as 0. `node:zlib` has the same function. */
export type Crc32 = (bytes: Uint8Array, value: number) => number;

const POLYNOMIAL = 0xedb88320;
const SLICES = 8;

/** CRC-32 in plain JavaScript, eight bytes at a time ("slicing"), for where there is no `node:zlib`. */
export function createCrc32(): Crc32 {
  const table = makeTable();
  const at = (slice: number, index: number): number => table[slice * 256 + (index & 0xff)] as number;
  return (bytes, value) => {
    let crc = ~value;
    let position = 0;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (; position + 8 <= bytes.byteLength; position += 8) {
      const low = crc ^ view.getInt32(position, true);
      const high = view.getInt32(position + 4, true);
      crc = at(7, low) ^ at(6, low >>> 8) ^ at(5, low >>> 16) ^ at(4, low >>> 24);
      crc ^= at(3, high) ^ at(2, high >>> 8) ^ at(1, high >>> 16) ^ at(0, high >>> 24);
    }
    for (; position < bytes.byteLength; position++) crc = at(0, crc ^ (bytes[position] as number)) ^ (crc >>> 8);
    return ~crc >>> 0;
  };
}

/** Row n: the CRC of a byte that n zero bytes follow. */
function makeTable(): Int32Array {
  const table = new Int32Array(SLICES * 256);
  for (let index = 0; index < 256; index++) {
    let crc = index;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    table[index] = crc;
  }
  for (let index = 256; index < table.length; index++) {
    const previous = table[index - 256] as number;
    table[index] = (previous >>> 8) ^ (table[previous & 0xff] as number);
  }
  return table;
}
