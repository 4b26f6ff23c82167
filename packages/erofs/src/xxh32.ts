const PRIME1 = 0x9e3779b1;
const PRIME2 = 0x85ebca77;
const PRIME3 = 0xc2b2ae3d;
const PRIME4 = 0x27d4eb2f;
const PRIME5 = 0x165667b1;

/** The 32-bit xxHash. @see {@link https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md} */
export function xxh32(bytes: Uint8Array, seed: number): number {
  const { length } = bytes;
  let at = 0;
  let hash = Math.imul(seed, 1);
  if (length >= 16) {
    const lanes = [hash + PRIME1 + PRIME2, hash + PRIME2, hash, hash - PRIME1];
    for (; at <= length - 16; at += 16) {
      for (let lane = 0; lane < 4; lane++) lanes[lane] = round(lanes[lane]!, word(bytes, at + 4 * lane));
    }
    hash = rotate(lanes[0]!, 1) + rotate(lanes[1]!, 7) + rotate(lanes[2]!, 12) + rotate(lanes[3]!, 18);
  } else {
    hash += PRIME5;
  }
  hash = (hash + length) | 0;
  for (; at <= length - 4; at += 4) hash = Math.imul(rotate(hash + Math.imul(word(bytes, at), PRIME3), 17), PRIME4);
  for (; at < length; at++) hash = Math.imul(rotate(hash + Math.imul(bytes[at]!, PRIME5), 11), PRIME1);
  return avalanche(hash);
}

function round(lane: number, input: number): number {
  return Math.imul(rotate(lane + Math.imul(input, PRIME2), 13), PRIME1);
}

function avalanche(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 15), PRIME2);
  hash = Math.imul(hash ^ (hash >>> 13), PRIME3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function rotate(value: number, count: number): number {
  return (value << count) | ((value | 0) >>> (32 - count));
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
