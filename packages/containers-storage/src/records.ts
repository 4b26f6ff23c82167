import { ContainersStorageError } from './errors.ts';
import { Skipped } from './skipped.ts';

/** An image as `images.json` lists it. */
export interface ImageRecord {
  readonly id: string;
  /** Of the manifest that counts. */
  readonly digest: string | undefined;
  readonly names: readonly string[];
  /** The topmost layer; undefined for an image without layers. */
  readonly layer: string | undefined;
  /** Documents that are kept beside it. */
  readonly bigDataNames: readonly string[];
}

/** A layer as `layers.json` lists it. */
export interface LayerRecord {
  readonly id: string;
  readonly parent: string | undefined;
  /** Of the uncompressed tar; undefined for a container's own layer and for layers that were fetched in part. */
  readonly diffDigest: string | undefined;
  readonly diffSize: number | undefined;
}

/** Ids become names of directories, so they are checked. */
const ID = /^[0-9a-f]{64}$/;

/** What a list holds that can be understood, and what is wrong with the first record that cannot. */
export interface Listed<Records> {
  readonly records: Records;
  readonly damage?: ContainersStorageError;
}

/** @throws {ContainersStorageError} INVALID_STORE if it is no list */
export function parseImages(bytes: Uint8Array, path: string): Listed<readonly ImageRecord[]> {
  return listed(records(bytes, path), (record) => ({
    id: idOf(record, path),
    digest: optionalText(record, 'digest', path),
    names: texts(record, 'names', path),
    layer: optionalId(record, 'layer', path),
    bigDataNames: texts(record, 'big-data-names', path),
  }));
}

/** @throws {ContainersStorageError} INVALID_STORE if it is no list */
export function parseLayers(bytes: Uint8Array, path: string): Listed<ReadonlyMap<string, LayerRecord>> {
  const { records: layers, ...rest } = listed(records(bytes, path), (record): LayerRecord => ({
    id: idOf(record, path),
    parent: optionalId(record, 'parent', path),
    diffDigest: optionalText(record, 'diff-digest', path),
    diffSize: optionalSize(record, 'diff-size', path),
  }));
  return { records: new Map(layers.map((layer) => [layer.id, layer])), ...rest };
}

/** A record of a kind that is not known here says nothing about the others. */
function listed<Found>(values: readonly Json[], parseOne: (record: Json) => Found): Listed<readonly Found[]> {
  const found: Found[] = [];
  const damaged = new Skipped();
  for (const value of values) {
    try {
      found.push(parseOne(value));
    } catch (error) {
      damaged.add(error);
    }
  }
  return { records: found, ...(damaged.reason && { damage: damaged.reason }) };
}

type Json = Readonly<Record<string, unknown>>;

function records(bytes: Uint8Array, path: string): readonly Json[] {
  const value = parse(bytes, path);
  if (!Array.isArray(value)) throw invalid(path, 'a list of objects');
  return value.map((one: unknown) => (typeof one === 'object' && one !== null ? (one as Json) : {}));
}

function parse(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new ContainersStorageError('INVALID_STORE', path, 'wanted JSON, found something else', { cause });
  }
}

function idOf(record: Json, path: string): string {
  const id = optionalId(record, 'id', path);
  if (id === undefined) throw invalid(path, 'an id');
  return id;
}

function optionalId(record: Json, key: string, path: string): string | undefined {
  const text = optionalText(record, key, path);
  if (text === undefined || ID.test(text)) return text;
  throw invalid(path, `64 hexadecimal digits as ${key}`);
}

/** Absent and empty are the same in these documents. */
function optionalText(record: Json, key: string, path: string): string | undefined {
  const value = record[key] ?? '';
  if (typeof value !== 'string') throw invalid(path, `a text as ${key}`);
  return value === '' ? undefined : value;
}

/** Podman writes -1 where it does not know, as of layers that it fetched in part. */
function optionalSize(record: Json, key: string, path: string): number | undefined {
  const value = record[key];
  if (value === undefined || value === -1) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw invalid(path, `a number of bytes as ${key}`);
  return value;
}

function texts(record: Json, key: string, path: string): readonly string[] {
  const value = record[key] ?? [];
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) throw invalid(path, `a list of texts as ${key}`);
  return value;
}

function invalid(path: string, wanted: string): ContainersStorageError {
  return new ContainersStorageError('INVALID_STORE', path, `wanted ${wanted}, found something else`);
}
