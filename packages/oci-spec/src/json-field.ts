import { OciSpecError, quote } from './errors.ts';
import { parseJson } from './json.ts';

/** Checks a JSON value and gives it its type; `path` is where it stands in the document. */
export type Reader<T> = (value: unknown, path: string) => T;

/** A parsed document with the bytes it came from, which are what its digest and its storage are about. */
export type Parsed<T> = T & { readonly raw: Uint8Array };

export type JsonObject = Readonly<Record<string, unknown>>;

export function parseDocument<T extends object>(raw: Uint8Array, read: Reader<T>): Parsed<T> {
  return { ...read(parseJson(raw), ''), raw };
}

export const readObject: Reader<JsonObject> = (value, path) => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw invalid(path, 'an object', value);
};

export const readString: Reader<string> = (value, path) => {
  if (typeof value === 'string') return value;
  throw invalid(path, 'a string', value);
};

export const readBoolean: Reader<boolean> = (value, path) => {
  if (typeof value === 'boolean') return value;
  throw invalid(path, 'true or false', value);
};

export function readInteger(max: number): Reader<number> {
  return (value, path) => {
    if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max) return value as number;
    throw invalid(path, `an integer from 0 to ${max}`, value);
  };
}

export function readArray<T>(read: Reader<T>): Reader<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw invalid(path, 'an array', value);
    return value.map((item: unknown, i) => read(item, `${path}[${i}]`));
  };
}

export const readStringMap: Reader<Readonly<Record<string, string>>> = (value, path) => {
  const object = readObject(value, path);
  for (const key of Object.keys(object)) readString(object[key], member(path, key));
  return object as Readonly<Record<string, string>>;
};

export function required<T>(object: JsonObject, key: string, path: string, read: Reader<T>): T {
  return read(object[key], member(path, key));
}

/** The member as a one-key object to spread, or nothing: null counts as absent, as in the reference. */
export function optional<K extends string, T>(object: JsonObject, key: K, path: string, read: Reader<T>): { readonly [P in K]?: T } {
  const value = object[key] ?? undefined;
  if (value === undefined) return {};
  return { [key]: read(value, member(path, key)) } as { readonly [P in K]?: T };
}

function member(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function invalid(path: string, wanted: string, found: unknown): OciSpecError {
  const what = found === undefined ? 'nothing' : quote(found);
  return new OciSpecError('INVALID_FIELD', `${path === '' ? 'document' : path}: wanted ${wanted}, found ${what}`, { path });
}
