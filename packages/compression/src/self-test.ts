import { createCrc32 } from './crc32.ts';
import type { StepDecoder } from './decoder.ts';
import { Input } from './input.ts';
import { Output } from './output.ts';

/**
 * Two gzip members made by GNU gzip 1.12 (`seq 1 300 | gzip -9n; printf 'member two\n' | gzip -9n`): a block with its own Huffman
 * codes, and one with the fixed codes.
 */
const MEMBERS: readonly string[] = [
  'H4sIAAAAAAACAx3TyxEFIQwDwbuiQQIM5J/Yjvfuep9pYUVTS1ulo6snD9ly5CkvecslH/nKTxmKlShTWcpWSjnKVZ7m0LQmHzk1l+bWLM2jeTWf1tCyVrT4xqW1tUrraF2tpz20rR3tqc0P2tqlfbSv9lMNlVVRTdVS8XtLdVRX9XSGjnWiM3WWztbh7xydq/N0h651ozt1l+7WLV3+7dV9ekPPetGbektv65Xe0SNG1yDHoMcgyKDIIMmgySDKoMogy+Duz8Zdh+tyna7bdbyu1/noZwI63Zc7GpqIpqLJaDqakKakSWlaejYEd+Q0PU1QU9QkNU1NVFPVZPVqMe4oa9KatiauqWvymr4msCns3bTcEdlUNplNZxPalDapTWsT29Ub4I7eJrgpbpKb5ia6qW6ym+4+PRbuSG/am/imvslv+hsAI2AIfHtV3KFgGIyDgTAShsJYGAyj4dfz6/0xQDyCR/AIHsEjeASP4BE84h4qd3gEj+ARPIJH8Age6T33oP9Fc9eb7lH3qnvWveseNh7BI3hk9vS5wyN4BI/gETyCR/AIHsEjq98Id3gEj+ARPIJH8AgewSN4ZPdj4g6P4BE8gkfwCB7BI3gEj1S/Ou7wCB7BI3gEj+ARPIJH8Mjp58kdHsEjeASP4BE8gkfwCB65/Y65wyN4BI/gETyCR/AIHsEjrx98v/ihD3YFpIhEBAAA',
  'H4sIAAAAAAACA8tNzU1KLVIoKc/nAgA2Ux0RCwAAAA==',
];

const HEADER_SIZE = 10;
const TRAILER_SIZE = 8;
const PIECE = 7;

/**
 * Whether an inflater gives the right bytes and stops at the right place, fed with pieces of a few bytes. A decoder that relies on
 * the insides of a library (field offsets, private properties) is used only if it passes.
 */
export function inflatesRight(decoder: StepDecoder): boolean {
  try {
    return MEMBERS.every((member) => passes(decoder, fromBase64(member)));
  } catch {
    return false; // whatever it throws, it is not to be used
  }
}

function passes(decoder: StepDecoder, member: Uint8Array): boolean {
  const input = new Input([]);
  const output = new Output(input, undefined, 4096, undefined);
  const view = new DataView(member.buffer, member.length - TRAILER_SIZE);
  decoder.reset();
  let fed = HEADER_SIZE;
  for (let isDone = false; !isDone; isDone = decoder.step(input, output)) {
    if (fed >= member.length) return false;
    input.unread(member.subarray(fed, fed + PIECE));
    fed += PIECE;
  }
  const content = output.take();
  const stoppedAt = Math.min(fed, member.length) - input.available.length;
  const isRight = createCrc32()(content, 0) === view.getUint32(0, true) && content.length === view.getUint32(4, true);
  return isRight && stoppedAt === member.length - TRAILER_SIZE;
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
