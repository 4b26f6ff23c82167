const POLYNOMIAL = 0x82f63b78;

/** CRC-32C as the kernel computes it: started with `seed`, and not inverted at the end. */
export function crc32c(bytes: Uint8Array, seed: number): number {
  let crc = seed;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
  }
  return crc >>> 0;
}
