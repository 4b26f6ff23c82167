import { OciSpecError, quote } from './errors.ts';

/** Longest manifest, index or config that is read, in bytes: 4 MiB, as registries have it. */
export const MAX_JSON_SIZE: number = 4 * 1024 * 1024;

const MAX_DEPTH = 128;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/**
 * JSON as the specification wants it: UTF-8 without byte order mark, no object with two members of one name, at most 4 MiB and 128
 * levels. (`JSON.parse` alone takes the last of several members in silence, so two readers can see two different images.)
 *
 * @throws {OciSpecError} TOO_LARGE, INVALID_UTF8, TOO_DEEP, DUPLICATE_KEY, INVALID_JSON
 */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.byteLength > MAX_JSON_SIZE) {
    throw new OciSpecError('TOO_LARGE', `wanted at most ${MAX_JSON_SIZE} bytes of JSON, found ${bytes.byteLength}`);
  }
  const text = decodeUtf8(bytes);
  checkNesting(text);
  return parseText(text);
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    // A byte order mark stays in the text, where JSON.parse refuses it.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new OciSpecError('INVALID_UTF8', 'wanted JSON in UTF-8, found other bytes', { cause });
  }
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new OciSpecError('INVALID_JSON', `wanted JSON, found ${quote(text)}`, { cause });
  }
}

/**
 * Find what JSON.parse lets through. Knows strings, brackets and braces only: where the rest of the grammar is broken the result does
 * not matter, because JSON.parse refuses the text afterwards.
 */
function checkNesting(text: string): void {
  const open: (Set<string> | undefined)[] = []; // the names in each open object; undefined for an array
  let at = 0;
  while (at < text.length) {
    const start = at;
    switch (text.charCodeAt(at++)) {
      case QUOTE:
        at = endOfString(text, start);
        addName(open.at(-1), text, start, at);
        break;
      case OPEN_BRACE:
        open.push(new Set());
        break;
      case OPEN_BRACKET:
        open.push(undefined);
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        open.pop();
        break;
      default:
    }
    if (open.length > MAX_DEPTH) throw new OciSpecError('TOO_DEEP', `wanted at most ${MAX_DEPTH} levels of JSON`, { offset: start });
  }
}

function addName(names: Set<string> | undefined, text: string, start: number, end: number): void {
  if (names === undefined || !isFollowedByColon(text, end)) return;
  const literal = text.slice(start, end);
  const name = literal.includes('\\') ? (parseText(literal) as string) : literal.slice(1, -1);
  if (names.has(name)) throw new OciSpecError('DUPLICATE_KEY', `wanted each key once, found ${quote(name)} again`, { offset: start });
  names.add(name);
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    at += code === BACKSLASH ? 2 : 1;
  }
  return text.length;
}

function isFollowedByColon(text: string, end: number): boolean {
  let at = end;
  while (at < text.length && ' \t\n\r'.includes(text[at]!)) at++;
  return text[at] === ':';
}
