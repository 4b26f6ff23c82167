/** The part of an image that is being written, with zeros where nothing has been written yet. */
export class ImageBuffer {
  /** Always the same memory. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly #write: (piece: Uint8Array) => void;
  /** Where in the image the buffer starts. */
  #start = 0;

  /**
   * @param bytes zeros; either the whole image, or as much as has room at once
   * @param write gets what is complete, before its memory is used again
   */
  constructor(bytes: Uint8Array, write: (piece: Uint8Array) => void = refuse) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#write = write;
  }

  /**
   * Room for `size` bytes of the image from `position` on; what comes before is complete then.
   *
   * @returns where that is in {@link bytes}, until more room is asked for
   */
  room(position: number, size: number): number {
    if (position + size > this.#start + this.bytes.length) this.#moveTo(position);
    return position - this.#start;
  }

  /** Write all that is left of an image of `size` bytes. */
  finish(size: number): void {
    this.#moveTo(size);
  }

  #moveTo(position: number): void {
    while (this.#start < position) {
      const count = Math.min(position - this.#start, this.bytes.length);
      this.#write(this.bytes.subarray(0, count));
      this.bytes.fill(0, 0, count);
      this.#start += count;
    }
  }
}

function refuse(): never {
  throw new RangeError('an image of more bytes than it was laid out for');
}
