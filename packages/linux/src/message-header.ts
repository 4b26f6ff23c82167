import { endianness } from 'node:os';
import { addressOf } from './library.ts';

/**
 * struct msghdr with one piece of content and room for ancillary data, as 64-bit Linux lays it out. It holds on to all memory that it points
 * into, so keep it until the call has returned.
 */
export class MessageHeader {
  /** What the call is given. */
  readonly memory: Uint8Array = new Uint8Array(new ArrayBuffer(HEADER_SIZE));
  readonly #view = new DataView(this.memory.buffer);
  readonly #content: Uint8Array;
  readonly #vector = new Uint8Array(new ArrayBuffer(16));
  readonly #control: Uint8Array;

  constructor(content: Uint8Array, control: Uint8Array) {
    this.#content = content;
    this.#control = control;
    const vector = new DataView(this.#vector.buffer);
    vector.setBigUint64(0, pointerTo(content), LITTLE_ENDIAN);
    vector.setBigUint64(8, BigInt(content.byteLength), LITTLE_ENDIAN);
    this.#view.setBigUint64(16, pointerTo(this.#vector), LITTLE_ENDIAN);
    this.#view.setBigUint64(24, 1n, LITTLE_ENDIAN);
    this.#view.setBigUint64(32, pointerTo(control), LITTLE_ENDIAN);
    this.#view.setBigUint64(40, BigInt(control.byteLength), LITTLE_ENDIAN);
  }

  /** The content, of which the call has filled `size` bytes. */
  received(size: number): Uint8Array<ArrayBuffer> {
    return this.#content.slice(0, size);
  }

  /** Whether the call has cut something off, content or ancillary data. */
  get truncated(): boolean {
    return (this.#view.getInt32(48, LITTLE_ENDIAN) & (MSG_TRUNC | MSG_CTRUNC)) !== 0;
  }

  /** The descriptors that came with a received message. They are the receiver's to close. */
  get descriptors(): number[] {
    const view = new DataView(this.#control.buffer, this.#control.byteOffset, this.#control.byteLength);
    const end = Math.min(Number(this.#view.getBigUint64(40, LITTLE_ENDIAN)), view.byteLength);
    const found: number[] = [];
    for (let at = 0; at + CONTROL_HEADER_SIZE <= end;) {
      const length = Number(view.getBigUint64(at, LITTLE_ENDIAN));
      if (length < CONTROL_HEADER_SIZE) break;
      const isRights = view.getInt32(at + 8, LITTLE_ENDIAN) === SOL_SOCKET && view.getInt32(at + 12, LITTLE_ENDIAN) === SCM_RIGHTS;
      const count = Math.floor((Math.min(at + length, end) - at - CONTROL_HEADER_SIZE) / 4);
      for (let index = 0; index < (isRights ? count : 0); index++) {
        found.push(view.getInt32(at + CONTROL_HEADER_SIZE + 4 * index, LITTLE_ENDIAN));
      }
      at += aligned(length);
    }
    return found;
  }
}

/** Ancillary data that carries descriptors: struct cmsghdr and an array of int. Nothing for none of them. */
export function rightsOf(descriptors: readonly number[]): Uint8Array {
  const control = controlSpace(descriptors.length);
  if (descriptors.length === 0) return control;
  const view = new DataView(control.buffer);
  view.setBigUint64(0, BigInt(CONTROL_HEADER_SIZE + 4 * descriptors.length), LITTLE_ENDIAN);
  view.setInt32(8, SOL_SOCKET, LITTLE_ENDIAN);
  view.setInt32(12, SCM_RIGHTS, LITTLE_ENDIAN);
  descriptors.forEach((fd, index) => view.setInt32(CONTROL_HEADER_SIZE + 4 * index, fd, LITTLE_ENDIAN));
  return control;
}

/** Room for as many descriptors and no more: aligned as between two of them it could have room for one too many. */
export function controlSpace(descriptorCount: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(descriptorCount === 0 ? 0 : CONTROL_HEADER_SIZE + 4 * descriptorCount));
}

function pointerTo(bytes: Uint8Array): bigint {
  return bytes.byteLength === 0 ? 0n : BigInt(addressOf(bytes) ?? 0);
}

function aligned(size: number): number {
  return (size + 7) & ~7;
}

const LITTLE_ENDIAN = endianness() === 'LE';
const HEADER_SIZE = 56;
const CONTROL_HEADER_SIZE = 16;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CTRUNC = 0x08;
const MSG_TRUNC = 0x20;
