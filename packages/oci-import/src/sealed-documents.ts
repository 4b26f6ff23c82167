import { digestOf, parseJson } from '@cfskit/oci-spec';
import { OciImportError } from './errors.ts';
import { SEAL_LABEL } from './seal-label.ts';

/** Names and values, in the order in which they are written. */
export type Annotations = Readonly<Record<string, string>>;

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * A config that states the id of its EROFS image in a label. Everything else keeps its place; a label that is there is replaced where it is.
 *
 * @throws {OciImportError} UNSEALABLE: `no config!`, or a document that another program would not read the same way
 */
export function labelledConfig(raw: Uint8Array, imageId: string): Uint8Array<ArrayBuffer> {
  const document = readDocument(raw, 'config');
  const config = document['config'];
  if (!isObject(config))
    throw unsealable('no config! The config of the image has no object of that name, so there is no place for a label');
  const labels = withEntries(config['Labels'], { [SEAL_LABEL]: imageId }, 'config.Labels');
  return encodeDocument({ ...document, config: { ...config, Labels: labels } });
}

/** A manifest that names another config; only its digest and size differ. @throws {OciImportError} UNSEALABLE */
export function manifestWithConfig(raw: Uint8Array, config: Uint8Array): Uint8Array<ArrayBuffer> {
  const document = readDocument(raw, 'manifest');
  const descriptor = { ...asObject(document['config'], 'config'), digest: digestOf(config), size: config.byteLength };
  return encodeDocument({ ...document, config: descriptor });
}

/** A manifest with annotations at its top level and on the descriptor of its config. @throws {OciImportError} UNSEALABLE */
export function annotatedManifest(raw: Uint8Array, top: Annotations, onConfig: Annotations): Uint8Array<ArrayBuffer> {
  const document = readDocument(raw, 'manifest');
  const descriptor = asObject(document['config'], 'config');
  const config = { ...descriptor, annotations: withEntries(descriptor['annotations'], onConfig, 'config.annotations') };
  return encodeDocument({ ...document, config, annotations: withEntries(document['annotations'], top, 'annotations') });
}

/** JSON without white space. */
export function encodeDocument(document: JsonObject): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(document));
}

/** @throws {OciImportError} UNSEALABLE for numbers that would not come out as they went in */
function readDocument(raw: Uint8Array, what: string): JsonObject {
  parseJson(raw); // which is strict
  return asObject(JSON.parse(new TextDecoder().decode(raw), checkNumber) as unknown, what);
}

/** The third argument is younger than the types of JSON.parse. */
function checkNumber(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value === 'number' && !(Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value))) {
    throw unsealable(`the number ${context?.source ?? value} would be another one when it is written again`);
  }
  return value;
}

function withEntries(value: unknown, entries: Annotations, where: string): JsonObject {
  return { ...(value === undefined || value === null ? {} : asObject(value, where)), ...entries };
}

function asObject(value: unknown, where: string): JsonObject {
  if (isObject(value)) return value;
  throw unsealable(`${where} is no JSON object`);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unsealable(message: string): OciImportError {
  return new OciImportError('UNSEALABLE', message);
}
