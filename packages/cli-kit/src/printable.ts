import { printable as escapeControls } from '@cfskit/progress';

/** Direction and joining marks: they break no line, but make a name look like another one. */
const MARKS = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
const SECOND_CONTROLS = /[\u0080-\u009f]/g;

/** Text that came from outside, safe for a line on a terminal: control characters and invisible marks become `\x1b` or `\u202e`. */
export function printable(text: string): string {
  return escapeControls(text).replaceAll(MARKS, escapeUnit);
}

/**
 * A file name from an archive as one line of text: UTF-8 stays readable, a backslash is doubled, and what is no UTF-8 or
 * would not fit on the line is escaped, so that different names never print alike.
 */
export function printableName(name: Uint8Array): string {
  const text = decodeUtf8(name);
  if (text !== undefined) return printable(text.replaceAll('\\', '\\\\').replaceAll(SECOND_CONTROLS, escapeUnit));
  return Array.from(name, escapeByte).join('');
}

/** The text of the bytes, or undefined when they are no UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function escapeUnit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function escapeByte(byte: number): string {
  if (byte === 0x5c) return '\\\\';
  return byte < 0x20 || byte > 0x7e ? `\\x${byte.toString(16).padStart(2, '0')}` : String.fromCharCode(byte);
}
