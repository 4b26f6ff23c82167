import type { Input } from './input.ts';
import type { Output } from './output.ts';

/**
 * Decodes one unit: the deflate data of a gzip member, or a zstd frame from its magic number on.
 *
 * It takes exactly the bytes of the unit from `input` and yields chunks of `output` as they fill up. What it throws about the data is a
 * `CompressionError`.
 */
export type UnitDecoder = (input: Input, output: Output) => AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined>;

/** A decoder that works in synchronous steps, for {@link stepped}. */
export interface StepDecoder {
  /** Start a new unit. */
  reset(): void;

  /**
   * Decode until the unit ends, the input is empty or the output is full.
   *
   * @returns whether the unit ended; all of its output is in `output` then, and the first byte behind it is the next of `input`
   */
  step(input: Input, output: Output): boolean;

  /** The source has no more bytes and the last step did not see the end: was it there nevertheless? */
  endsHere?(input: Input): boolean;
}

/** @throws {CompressionError} TRUNCATED, and what the decoder throws */
export function stepped(decoder: StepDecoder, what: string): UnitDecoder {
  return async function* (input, output) {
    decoder.reset();
    while (!decoder.step(input, output)) {
      // A full output comes first: the decoder may hold more of it without any further input.
      if (output.isFull) yield output.take();
      else if (!(await input.fill())) {
        if (decoder.endsHere?.(input) === true) return;
        throw input.truncated(what);
      }
    }
  };
}
