import { digestLength, type Algorithm, type ObjectId } from '@cfskit/fs-verity';

/** Ids one after the other, as the reference tables of a splitstream hold them. */
export class IdList {
  readonly #bytes: Uint8Array;
  readonly #idSize: number;

  /** @param bytes a whole number of ids */
  constructor(bytes: Uint8Array, algorithm: Algorithm) {
    this.#bytes = bytes;
    this.#idSize = digestLength(algorithm);
  }

  get count(): number {
    return this.#bytes.byteLength / this.#idSize;
  }

  /** @param index below {@link count} */
  at(index: number): ObjectId {
    return hexAt(this.#bytes, index * this.#idSize, this.#idSize);
  }

  toArray(): ObjectId[] {
    return Array.from({ length: this.count }, (_, index) => this.at(index));
  }
}

/**
 * A table of ids without duplicates, in the order of their first use.
 *
 * A layer may refer to a million objects, so this is a hash table over the very bytes that will be written: about 50 bytes for an id,
 * and nothing to collect. Its seeds are random, since whoever makes an image can choose contents whose ids collide.
 */
export class IdTable {
  readonly #algorithm: Algorithm;
  readonly #idSize: number;
  readonly #seeds: readonly [number, number] = [randomSeed(), randomSeed()];
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #count = 0;
  /** Index of an id plus one; 0 where there is none. A power of two, twice what the table can hold before it grows. */
  #slots: Uint32Array;

  constructor(algorithm: Algorithm) {
    this.#algorithm = algorithm;
    this.#idSize = digestLength(algorithm);
    this.#bytes = new Uint8Array(INITIAL_COUNT * this.#idSize);
    this.#view = new DataView(this.#bytes.buffer);
    this.#slots = new Uint32Array(2 * INITIAL_COUNT);
  }

  get count(): number {
    return this.#count;
  }

  /** The table as it stands in the file. A view: adding changes it. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#count * this.#idSize);
  }

  /**
   * @returns the index of `id`, which is added if it is not there
   * @throws {TypeError} if it is no id of the algorithm, in lower-case hex
   */
  add(id: ObjectId): number {
    if (id.length !== 2 * this.#idSize) throw new TypeError(`not an object id of ${this.#algorithm}: ${id}`);
    if ((this.#count + 1) * this.#idSize > this.#bytes.byteLength) this.#grow();
    // The id is put where it will stay if it is new.
    const at = this.#count * this.#idSize;
    parseHexInto(this.#bytes, at, id);
    for (let slot = this.#slotOf(at); ; slot = (slot + 1) & (this.#slots.length - 1)) {
      const index = (this.#slots[slot] as number) - 1;
      if (index < 0) {
        this.#slots[slot] = ++this.#count;
        return this.#count - 1;
      }
      if (this.#equals(index * this.#idSize, at)) return index;
    }
  }

  #slotOf(at: number): number {
    const [first, second] = this.#seeds;
    const mixed =
      Math.imul(this.#view.getInt32(at, true) ^ first, 0x9e3779b1) ^ Math.imul(this.#view.getInt32(at + 4, true) ^ second, 0x85ebca6b);
    return (mixed ^ (mixed >>> 15)) & (this.#slots.length - 1);
  }

  #equals(one: number, other: number): boolean {
    for (let offset = 0; offset < this.#idSize; offset += 4) {
      if (this.#view.getInt32(one + offset, true) !== this.#view.getInt32(other + offset, true)) return false;
    }
    return true;
  }

  #grow(): void {
    const bytes = new Uint8Array(2 * this.#bytes.byteLength);
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
    this.#slots = new Uint32Array(2 * this.#slots.length);
    for (let index = 0; index < this.#count; index++) {
      let slot = this.#slotOf(index * this.#idSize);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & (this.#slots.length - 1);
      this.#slots[slot] = index + 1;
    }
  }
}

const INITIAL_COUNT = 64;

function randomSeed(): number {
  return Math.floor(Math.random() * 2 ** 32) | 0;
}

function parseHexInto(target: Uint8Array, at: number, id: ObjectId): void {
  for (let index = 0; index < id.length; index += 2) {
    const value = digit(id.charCodeAt(index)) * 16 + digit(id.charCodeAt(index + 1));
    if (!(value >= 0)) throw new TypeError(`not an object id in lower-case hex: ${id}`);
    target[at + (index >> 1)] = value;
  }
}

function digit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x61 && code <= 0x66 ? code - 0x61 + 10 : NaN;
}

// One call makes one flat string; adding up pairs of digits would make a tree of 32 or 64.
function hexAt(bytes: Uint8Array, at: number, size: number): string {
  const codes: number[] = [];
  for (let index = at; index < at + size; index++) {
    const byte = bytes[index] as number;
    codes.push(HEX_DIGITS.charCodeAt(byte >> 4), HEX_DIGITS.charCodeAt(byte & 15));
  }
  return String.fromCharCode(...codes);
}

const HEX_DIGITS = '0123456789abcdef';
