import type { UnitDecoder } from './decoder.ts';
import { CompressionError } from './errors.ts';
import { isSkippableMagic, magicOf, ZSTD_MAGIC } from './format.ts';
import type { Input } from './input.ts';
import type { Output } from './output.ts';
import { decodeFrameHeader, MAX_HEADER_SIZE, MAX_WINDOW, startsLikeFrame } from './zstd-frame.ts';

/** The frame that zstd makes of nothing when it is told the end at once: one empty block, and the content size in the header. */
export const EMPTY_FRAME: readonly number[] = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00];

/**
 * Decode a zstd file: one frame or more, skippable frames anywhere among them, and nothing else. RFC 8878, section 3.
 *
 * @throws {CompressionError} of every code about data
 */
export async function* unzstd(
  input: Input,
  output: Output,
  decodeFrame: UnitDecoder,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  do {
    const magic = await peekMagic(input);
    if (magic === ZSTD_MAGIC) {
      await checkHeader(input, output);
      yield* decodeFrame(input, output);
    } else {
      await skipFrame(input);
    }
  } while (!input.isEmpty || (await input.fill()));
}

async function peekMagic(input: Input): Promise<number> {
  const offset = input.offset;
  const head = await input.peek(4);
  const magic = magicOf(head);
  if (head.length === 4 && (magic === ZSTD_MAGIC || isSkippableMagic(magic))) return magic;
  if (head.length < 4 && startsLikeFrame(head)) throw input.truncated('a zstd frame');
  if (offset === 0) throw new CompressionError('BAD_MAGIC', 'not zstd data', { offset });
  throw new CompressionError('TRAILING_DATA', 'zstd: other data follows the last frame', { offset });
}

async function skipFrame(input: Input): Promise<void> {
  const head = await input.take(8, 'a skippable zstd frame');
  await input.skip(magicOf(head.subarray(4)), 'a skippable zstd frame');
}

/** The header is checked before any decoder sees it, so that all refuse the same frames and none allocates what it should not. */
async function checkHeader(input: Input, output: Output): Promise<void> {
  const { offset } = input;
  const header = decodeFrameHeader(await input.peek(MAX_HEADER_SIZE), offset);
  if (header === undefined) throw input.truncated('a zstd frame header');
  if (header.dictionaryId !== 0) {
    throw new CompressionError('UNSUPPORTED', `zstd: the data needs dictionary ${header.dictionaryId}`, { offset });
  }
  if (header.windowSize > MAX_WINDOW) {
    throw new CompressionError('UNSUPPORTED', `zstd: the window of ${header.windowSize} bytes is larger than 128 MiB`, { offset });
  }
  if (header.contentSize !== undefined) output.expect(header.contentSize);
}
