import { concatBytes } from '@cfskit/binary';
import { readEntries, TarSplitter, type SplitResult, type TarChunk, type TarEntry, type TarSplitterOptions } from '../src/index.ts';

/** What a sink has seen, neighbouring inline bytes joined. */
export type Piece = { readonly kind: 'inline' | 'external'; readonly bytes: Uint8Array };

export interface Split {
  readonly pieces: readonly Piece[];
  readonly result: SplitResult;
}

/** Split an archive that arrives in the given chunks. Checks the order of calls on the way. */
export function splitChunks(chunks: Iterable<Uint8Array>, options: TarSplitterOptions = {}): Split {
  const pieces: { kind: Piece['kind']; parts: Uint8Array[] }[] = [];
  let expected: number | undefined;
  const splitter = new TarSplitter(
    {
      inline(bytes) {
        if (expected !== undefined || bytes.length === 0) throw new Error('inline bytes inside a file, or none');
        if (pieces.at(-1)?.kind !== 'inline') pieces.push({ kind: 'inline', parts: [] });
        pieces.at(-1)!.parts.push(Uint8Array.from(bytes));
      },
      fileStart(size) {
        if (expected !== undefined || size <= 64) throw new Error('a file inside a file, or a small one');
        expected = size;
        pieces.push({ kind: 'external', parts: [] });
      },
      fileData(bytes) {
        if (expected === undefined || bytes.length === 0 || bytes.length > expected) throw new Error('data outside of a file, or none');
        expected -= bytes.length;
        pieces.at(-1)!.parts.push(Uint8Array.from(bytes));
      },
      fileEnd() {
        if (expected !== 0) throw new Error(`file ended with ${expected} bytes missing`);
        expected = undefined;
      },
    },
    options,
  );
  for (const chunk of chunks) splitter.push(chunk);
  const result = splitter.finish();
  return { pieces: pieces.map(({ kind, parts }) => ({ kind, bytes: concatBytes(parts) })), result };
}

export function splitWhole(tar: Uint8Array, options: TarSplitterOptions = {}): Split {
  return splitChunks([tar], options);
}

/** Cut at the given places, in any order. */
export function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [0, ...places.map((place) => Math.min(place, bytes.length)), bytes.length].toSorted((a, b) => a - b);
  return sorted.slice(1).map((end, i) => bytes.subarray(sorted[i], end));
}

export function cutEvery(bytes: Uint8Array, size: number): Uint8Array[] {
  return cut(
    bytes,
    Array.from({ length: Math.floor(bytes.length / size) }, (_, i) => i * size),
  );
}

/** The chunks of a stored tar; the objects get the ids `0`, `1`, … in their order. */
export function storedChunks(
  pieces: readonly Piece[],
  idOf: (bytes: Uint8Array, index: number) => string = (_, index) => `${index}`,
): TarChunk[] {
  let index = 0;
  return pieces.map(({ kind, bytes }) => (kind === 'inline' ? { kind, bytes, last: true } : { kind, objectId: idOf(bytes, index++) }));
}

/** List everything; an error comes back beside the entries before it. */
export async function listAll(chunks: readonly TarChunk[]): Promise<{ entries: TarEntry[]; error?: unknown }> {
  const entries: TarEntry[] = [];
  try {
    for await (const entry of readEntries(chunks)) entries.push(entry);
  } catch (error) {
    return { entries, error };
  }
  return { entries };
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return concatBytes(chunks);
}

/** Opens the objects of {@link storedChunks} with their default ids. */
export function openPieces(pieces: readonly Piece[]): (id: string) => AsyncGenerator<Uint8Array> {
  const objects = pieces.filter(({ kind }) => kind === 'external');
  return async function* (id) {
    yield objects.at(Number(id))!.bytes;
  };
}

/** The content of each file of a listing, with the ids of {@link storedChunks}. */
export function contentsOf(entries: readonly TarEntry[], pieces: readonly Piece[]): Buffer[] {
  const objects = pieces.filter(({ kind }) => kind === 'external');
  return entries.flatMap((entry) => {
    if (entry.type !== 'file') return [];
    return [Buffer.from(entry.content.kind === 'inline' ? entry.content.bytes : objects.at(Number(entry.content.objectId))!.bytes)];
  });
}

export function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

/** An entry in one line, names as UTF-8: path, mode, owner, type, target or device number, xattrs. */
export function describeEntry(entry: TarEntry): string {
  const words = [utf8(entry.path), entry.mode.toString(8), `${entry.uid}:${entry.gid}`, entry.type];
  if ('target' in entry) words.push(utf8(entry.target));
  if ('rdev' in entry) words.push(`${entry.rdev}`);
  return [...words, ...entry.xattrs.map(({ name, value }) => `${utf8(name)}=${utf8(value)}`)].join(' ');
}

export function ascii(characters: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(characters, (character) => character.charCodeAt(0));
}

export function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

export interface HeaderFields {
  readonly name?: string;
  readonly mode?: string;
  readonly uid?: string;
  readonly gid?: string;
  readonly size?: string | Uint8Array;
  readonly mtime?: string | Uint8Array;
  readonly checksum?: string;
  readonly type?: string;
  readonly linkName?: string;
  readonly magic?: string;
  readonly major?: string;
  readonly minor?: string;
  readonly prefix?: string;
}

/** A header block with these fields, written where the POSIX ustar layout has them. */
export function header(fields: HeaderFields = {}): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(512);
  const put = (at: number, value: string | Uint8Array = '') => block.set(typeof value === 'string' ? ascii(value) : value, at);
  put(0, fields.name ?? 'name');
  put(100, fields.mode ?? '0000644');
  put(108, fields.uid ?? '0000000');
  put(116, fields.gid ?? '0000000');
  put(124, fields.size ?? '00000000000');
  put(136, fields.mtime ?? '00000000000');
  put(156, fields.type ?? '0');
  put(157, fields.linkName);
  put(257, fields.magic ?? 'ustar\x0000');
  put(329, fields.major);
  put(337, fields.minor);
  put(345, fields.prefix);
  const sum = block.reduce((total, byte) => total + byte, 8 * 0x20);
  put(148, fields.checksum ?? `${sum.toString(8).padStart(6, '0')}\0 `);
  return block;
}

export function octal(size: number): string {
  return size.toString(8).padStart(11, '0');
}

/** A header and its content, padded. */
export function member(fields: HeaderFields, content: Uint8Array | string = ''): Uint8Array<ArrayBuffer> {
  const bytes = typeof content === 'string' ? ascii(content) : content;
  const block = header({ size: octal(bytes.length), ...fields });
  return concatBytes([block, bytes, new Uint8Array(-bytes.length & 511)]);
}

/** The data of a PAX record `<length> <key>=<value>`. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (`${length}`.length + rest.length > length) length++;
  return `${length}${rest}`;
}

export function pax(records: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  const data = Object.entries(records).map(([key, value]) => paxRecord(key, value));
  return member({ name: 'PaxHeaders/x', type: 'x' }, data.join(''));
}

export const END: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
