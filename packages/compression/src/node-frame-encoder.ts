import { constants, createZstdCompress } from 'node:zlib';
import type { FrameEncoder, FrameEncoderBackend } from './backend.ts';
import { nodeZstd } from './node-zlib.ts';

/** What zstd makes of nothing; a stream of node:zlib makes the same only if nothing at all is written to it. */
const EMPTY_FRAME = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00] as const;

/** Pieces are gathered to this size, so that a native call is worth its price. */
const PIECE_SIZE = 2 ** 18;

/** Frames of splitstreams by the library in Node, on libuv's threads. */
export const nodeFrameEncoder: FrameEncoderBackend = {
  name: 'node',
  probe: () => nodeZstd.probe(),
  open: () => new NodeFrameEncoder(),
};

/**
 * Each write waits for the one before: a stream that is ended behind a queue of writes adds an empty frame. What was pushed waits in
 * memory, compressed, until the event loop turns; a producer that awaits something now and then keeps it small.
 */
class NodeFrameEncoder implements FrameEncoder {
  readonly #stream = createZstdCompress({ chunkSize: PIECE_SIZE, params: { [constants.ZSTD_c_compressionLevel]: 3 } });
  readonly #queue: Uint8Array[] = [];
  #ready: Uint8Array[] = [];
  #piece: Uint8Array = new Uint8Array(PIECE_SIZE);
  #length = 0;
  #isWriting = false;
  #isEmpty = true;
  #error: Error | undefined;
  #settle: () => void = () => undefined;

  constructor() {
    this.#stream.on('data', (chunk: Uint8Array) => this.#ready.push(chunk));
    this.#stream.on('error', (error) => {
      this.#error ??= error;
      this.#settle();
    });
    this.#stream.on('end', () => this.#settle());
  }

  push(bytes: Uint8Array): void {
    for (let rest = bytes; rest.byteLength > 0;) {
      const part = rest.subarray(0, PIECE_SIZE - this.#length);
      this.#piece.set(part, this.#length);
      this.#length += part.byteLength;
      rest = rest.subarray(part.byteLength);
      if (this.#length === PIECE_SIZE) this.#enqueue();
    }
  }

  drain(): Uint8Array[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  async finish(): Promise<Uint8Array[]> {
    if (this.#length > 0) this.#enqueue();
    if (this.#isEmpty) return this.#finishEmpty();
    while (this.#isWriting && this.#error === undefined) await this.#change();
    this.#stream.end();
    while (!this.#stream.readableEnded && this.#error === undefined) await this.#change();
    if (this.#error !== undefined) throw this.#error;
    return this.drain();
  }

  #finishEmpty(): Uint8Array[] {
    this.#stream.destroy();
    return [Uint8Array.from(EMPTY_FRAME)];
  }

  #enqueue(): void {
    this.#isEmpty = false;
    this.#queue.push(this.#piece.subarray(0, this.#length));
    this.#piece = new Uint8Array(PIECE_SIZE);
    this.#length = 0;
    if (!this.#isWriting) this.#writeNext();
  }

  #writeNext(): void {
    const piece = this.#queue.shift();
    this.#isWriting = piece !== undefined;
    if (piece === undefined) this.#settle();
    else this.#stream.write(piece, () => this.#writeNext());
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#settle = resolve;
    });
  }
}
