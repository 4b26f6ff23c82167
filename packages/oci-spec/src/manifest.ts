import { readDescriptor, type Descriptor } from './descriptor.ts';
import { refuseOtherKind } from './document-kind.ts';
import { optional, parseDocument, read, required, type Parsed, type Reader } from './json-field.ts';

/** An image manifest: a config and layers, bottom first. Docker's schema 2 has the same members. */
export interface Manifest {
  readonly schemaVersion: number;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Parse a manifest and keep its bytes as `raw`. Unknown members are ignored, `schemaVersion` is not compared with anything.
 *
 * @throws {OciSpecError} INVALID_FIELD, INVALID_DIGEST, AMBIGUOUS_DOCUMENT, and the codes of JSON that is not read
 */
export function parseManifest(raw: Uint8Array): Parsed<Manifest> {
  return parseDocument(raw, readManifest);
}

/** The version of a manifest or index: any number of 32 bits, for nothing is read differently by it. */
export const readSchemaVersion: Reader<number> = read.integer(0xffffffff);

const readManifest: Reader<Manifest> = (value, path) => {
  const object = read.object(value, path);
  refuseOtherKind(object, 'manifest');
  return {
    schemaVersion: required(object, 'schemaVersion', path, readSchemaVersion),
    config: required(object, 'config', path, readDescriptor),
    layers: required(object, 'layers', path, read.array(readDescriptor)),
    ...optional(object, 'mediaType', path, read.string),
    ...optional(object, 'artifactType', path, read.string),
    ...optional(object, 'subject', path, readDescriptor),
    ...optional(object, 'annotations', path, read.stringMap),
  };
};
