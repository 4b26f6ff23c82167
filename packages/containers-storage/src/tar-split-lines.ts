import { ContainersStorageError } from './errors.ts';

/** The next bytes of a layer, as `tar-split` describes them: its own, or those of a file. */
export type Segment =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly name: Uint8Array; readonly size: number };

/** Longest line. The longest ones hold padding at the end of a tar, in base64. */
const MAX_LINE = 16 * 1024 * 1024;
const NEWLINE = 0x0a;
const FILE = 1;
const BYTES = 2;

/**
 * Read what `tar-split` kept of a layer: a line of JSON for each run of bytes that are not content of files, and one for each entry of the tar. Entries
 * without content are left out. See docs/format/containers-storage.md.
 *
 * @param path of the file, for messages
 * @throws {ContainersStorageError} INVALID_TAR_SPLIT, TOO_LARGE, and whatever `chunks` throws
 */
export async function* readSegments(chunks: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<readonly Segment[], void> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of chunks) {
    const text = rest.byteLength === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = text.lastIndexOf(NEWLINE) + 1;
    if (text.byteLength - end > MAX_LINE) throw new ContainersStorageError('TOO_LARGE', path, `wanted lines of at most ${MAX_LINE} bytes`);
    yield segmentsIn(text.subarray(0, end), path);
    rest = text.subarray(end);
  }
  yield segmentsIn(rest, path);
}

function segmentsIn(lines: Uint8Array, path: string): readonly Segment[] {
  const text = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength).toString('utf8');
  return text.split('\n').flatMap((line) => (line === '' ? [] : parseLine(line, path)));
}

interface Line {
  readonly type?: unknown;
  readonly name?: unknown;
  readonly name_raw?: unknown;
  readonly size?: unknown;
  readonly payload?: unknown;
}

function parseLine(line: string, path: string): readonly Segment[] {
  const { type, name, name_raw: rawName, size = 0, payload } = parseJson(line, path);
  if (type === BYTES && (typeof payload === 'string' || payload === null || payload === undefined)) {
    return payload ? [{ kind: 'bytes', bytes: Buffer.from(payload, 'base64') }] : [];
  }
  if (type !== FILE || typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw invalid(path, line);
  if (size === 0) return [];
  // A name that is no UTF-8 is in base64.
  if (typeof rawName === 'string' && rawName !== '') return [{ kind: 'file', name: Buffer.from(rawName, 'base64'), size }];
  if (typeof name !== 'string') throw invalid(path, line);
  return [{ kind: 'file', name: Buffer.from(name), size }];
}

function parseJson(line: string, path: string): Line {
  try {
    const value = JSON.parse(line) as unknown;
    if (typeof value === 'object' && value !== null) return value;
  } catch (cause) {
    throw invalid(path, line, { cause });
  }
  throw invalid(path, line);
}

function invalid(path: string, line: string, options?: ErrorOptions): ContainersStorageError {
  const shown = line.length > 80 ? `${line.slice(0, 80)}…` : line;
  return new ContainersStorageError('INVALID_TAR_SPLIT', path, `wanted a segment or an entry, found ${JSON.stringify(shown)}`, options);
}
