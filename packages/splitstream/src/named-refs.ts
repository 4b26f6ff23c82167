import { compareUtf8, concatBytes } from '@cfskit/binary';
import type { ObjectId } from '@cfskit/fs-verity';
import type { SplitstreamCodec } from './codec.ts';
import { SplitstreamError } from './errors.ts';
import type { IdList } from './id-table.ts';

/** A section that decodes to more than this is refused: it would be a million names. */
const MAX_DECODED = 64 * 2 ** 20;

/** Records `<index>:<name>` NUL, sorted by the UTF-8 bytes of their names. */
export function formatNamedRefs(refs: ReadonlyMap<string, number>): Uint8Array {
  const sorted = [...refs].toSorted(([one], [other]) => compareUtf8(one, other));
  return new TextEncoder().encode(sorted.map(([name, index]) => `${index}:${name}\0`).join(''));
}

/** @throws {SplitstreamError} INVALID_NAME for what the section cannot hold */
export function checkName(name: string): void {
  if (name.includes('\0')) throw new SplitstreamError('INVALID_NAME', `a named reference cannot contain NUL: ${JSON.stringify(name)}`);
  if (!name.isWellFormed()) throw new SplitstreamError('INVALID_NAME', `a named reference must be valid Unicode: ${JSON.stringify(name)}`);
}

/**
 * Decode the section and resolve its indices.
 *
 * @param section the compressed bytes
 * @throws {SplitstreamError} BAD_NAMED_REFS
 */
export async function readNamedRefs(section: Uint8Array, codec: SplitstreamCodec, streamRefs: IdList): Promise<Map<string, ObjectId>> {
  return parseNamedRefs(await decodeText(section, codec), streamRefs);
}

async function decodeText(section: Uint8Array, codec: SplitstreamCodec): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of codec.decode(section.byteLength > 0 ? [section] : [])) {
      size += chunk.byteLength;
      if (size > MAX_DECODED) throw badNamedRefs(`section of more than ${MAX_DECODED} bytes`);
      chunks.push(chunk);
    }
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(concatBytes(chunks));
  } catch (cause) {
    if (cause instanceof SplitstreamError) throw cause;
    throw badNamedRefs('Reading named references section', cause);
  }
}

function parseNamedRefs(text: string, streamRefs: IdList): Map<string, ObjectId> {
  const records = text.split('\0');
  if (records.pop() !== '') throw badNamedRefs('Trailing junk in named references section');
  const refs = new Map<string, ObjectId>();
  for (const record of records) {
    const colon = record.indexOf(':');
    if (colon < 0) throw badNamedRefs("Named reference doesn't contain a colon");
    const index = parseIndex(record.slice(0, colon));
    if (index >= streamRefs.count) throw badNamedRefs('Named reference out of bounds');
    refs.set(record.slice(colon + 1), streamRefs.at(index));
  }
  return refs;
}

/** By the rules of the reference's number parser: a plus sign and leading zeros pass, 2^64 does not. */
function parseIndex(text: string): number {
  const digits = /^\+?0*([0-9]{1,20})$/.exec(text)?.[1];
  if (digits === undefined || BigInt(digits) >= 2n ** 64n) throw badNamedRefs('Named reference contains a non-integer index');
  return Number(digits);
}

function badNamedRefs(reason: string, cause?: unknown): SplitstreamError {
  return new SplitstreamError('BAD_NAMED_REFS', `Error reading splitstream mappings: ${reason}`, { cause });
}
