/**
 * Writes one zstd frame. The package `compression` supplies it.
 *
 * For the ids to be those of composefs-rs the frame must be what zstd 1.5.7 makes at level 3, fed as a stream: no content size, no
 * checksum, however the content is cut.
 */
export interface ZstdFrameEncoder {
  /** The bytes are consumed before it returns: their buffer is used again. */
  push(bytes: Uint8Array): void;
  /** What is finished so far, each piece once. Without it, memory grows with the stream. */
  drain?(): Uint8Array[];
  /** End the frame; returns what was not drained. */
  finish(): Promise<Uint8Array[]> | Uint8Array[];
}

/** The zstd that reading and writing need, from outside: this package holds none. `splitstreamCodec` of `compression` is one. */
export interface SplitstreamCodec {
  createEncoder(): ZstdFrameEncoder;
  /**
   * Decode a section: every frame, skippable ones passed over. It must fail for an empty section, inside a frame that was cut off, and
   * for anything else behind a frame. Chunks must not be used again.
   */
  decode(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncIterable<Uint8Array>;
}
