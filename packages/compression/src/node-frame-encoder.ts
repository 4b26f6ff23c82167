import { constants, createZstdCompress, type ZstdCompress } from 'node:zlib';
import type { FrameEncoder, FrameEncoderBackend } from './backend.ts';
import { nodeZstd } from './node-zlib.ts';
import { EMPTY_FRAME } from './zstd.ts';

/** Pieces are gathered to this size, so that a native call is worth its price. */
const PIECE_SIZE = 2 ** 18;

/** Frames of splitstreams by the library in Node, on libuv's threads. */
export const nodeFrameEncoder: FrameEncoderBackend = {
  name: 'node',
  probe: () => nodeZstd.probe(),
  version: () => process.versions['zstd'] ?? 'unknown',
  open: () => new NodeFrameEncoder(),
};

/**
 * Each write waits for the one before: a stream that is ended behind a queue of writes adds an empty frame. What was pushed waits in
 * memory until the event loop turns; a producer that awaits something now and then keeps that small.
 */
class NodeFrameEncoder implements FrameEncoder {
  readonly #queue: Uint8Array[] = [];
  #stream: ZstdCompress | undefined;
  #ready: Uint8Array[] = [];
  #piece: Uint8Array<ArrayBuffer> | undefined;
  #length = 0;
  #isWriting = false;
  #error: Error | undefined;
  #settle: () => void = () => undefined;

  push(bytes: Uint8Array): void {
    for (let rest = bytes; rest.byteLength > 0;) {
      this.#piece ??= new Uint8Array(PIECE_SIZE);
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
    this.#enqueue();
    if (this.#stream === undefined) return [Uint8Array.from(EMPTY_FRAME)];
    while (this.#isWriting && this.#error === undefined) await this.#change();
    this.#stream.end();
    while (!this.#stream.readableEnded && this.#error === undefined) await this.#change();
    if (this.#error !== undefined) throw this.#error;
    return this.drain();
  }

  #enqueue(): void {
    if (this.#piece === undefined) return;
    this.#queue.push(this.#piece.subarray(0, this.#length));
    this.#piece = undefined;
    this.#length = 0;
    this.#stream ??= this.#openStream();
    if (!this.#isWriting) this.#writeNext(this.#stream);
  }

  #openStream(): ZstdCompress {
    const stream = createZstdCompress({ chunkSize: PIECE_SIZE, params: { [constants.ZSTD_c_compressionLevel]: 3 } });
    stream.on('data', (chunk: Uint8Array) => this.#ready.push(chunk));
    stream.on('end', () => this.#settle());
    stream.on('error', (error) => {
      this.#error ??= error;
      this.#settle();
    });
    return stream;
  }

  #writeNext(stream: ZstdCompress): void {
    const piece = this.#queue.shift();
    this.#isWriting = piece !== undefined;
    if (piece === undefined) this.#settle();
    else stream.write(piece, () => this.#writeNext(stream));
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#settle = resolve;
    });
  }
}
