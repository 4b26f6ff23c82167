import { OciSpecError, quote } from './errors.ts';
import { parseJson } from './json.ts';

/** Checks a JSON value and gives it its type; `path` is where it stands in the document. */
export type Reader<T> = (value: unknown, path: string) => T;

/** A parsed document with the bytes it came from, which are what its digest and its storage are about. */
export type Parsed<T> = T & { readonly raw: Uint8Array };

/** A JSON object whose members have not been looked at. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Parse a whole document and keep its bytes. @throws {OciSpecError} */
export function parseDocument<T extends object>(raw: Uint8Array, reader: Reader<T>): Parsed<T> {
  return { ...reader(parseJson(raw), ''), raw };
}

/** Readers of the kinds of values that documents have. */
export const read: {
  readonly object: Reader<JsonObject>;
  readonly string: Reader<string>;
  readonly boolean: Reader<boolean>;
  /** From 0 to `max`, both included. */
  readonly integer: (max: number) => Reader<number>;
  readonly array: <T>(item: Reader<T>) => Reader<readonly T[]>;
  readonly stringMap: Reader<Readonly<Record<string, string>>>;
} = {
  object: (value, path) => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
    throw invalid(path, 'an object', value);
  },
  string: (value, path) => {
    if (typeof value === 'string') return value;
    throw invalid(path, 'a string', value);
  },
  boolean: (value, path) => {
    if (typeof value === 'boolean') return value;
    throw invalid(path, 'true or false', value);
  },
  integer: (max) => (value, path) => {
    if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max) return value as number;
    throw invalid(path, `an integer from 0 to ${max}`, value);
  },
  array: (item) => (value, path) => {
    if (!Array.isArray(value)) throw invalid(path, 'an array', value);
    return value.map((element: unknown, i) => item(element, `${path}[${i}]`));
  },
  stringMap: (value, path) => {
    const object = read.object(value, path);
    for (const key of Object.keys(object)) read.string(object[key], member(path, key));
    return object as Readonly<Record<string, string>>;
  },
};

/** The member of an object that must be there. @throws {OciSpecError} INVALID_FIELD */
export function required<T>(object: JsonObject, key: string, path: string, reader: Reader<T>): T {
  return reader(object[key], member(path, key));
}

/** The member as a one-key object to spread, or nothing: null counts as absent, as in the reference. */
export function optional<K extends string, T>(object: JsonObject, key: K, path: string, reader: Reader<T>): { readonly [P in K]?: T } {
  const value = object[key] ?? undefined;
  if (value === undefined) return {};
  return { [key]: reader(value, member(path, key)) } as { readonly [P in K]?: T };
}

function member(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function invalid(path: string, wanted: string, found: unknown): OciSpecError {
  const what = found === undefined ? 'nothing' : quote(found);
  return new OciSpecError('INVALID_FIELD', `${path === '' ? 'document' : path}: wanted ${wanted}, found ${what}`, { path });
}
