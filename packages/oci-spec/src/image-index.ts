import { readDescriptor, REF_NAME_ANNOTATION, type Descriptor } from './descriptor.ts';
import { refuseOtherKind } from './document-kind.ts';
import { optional, parseDocument, read, required, type Parsed, type Reader } from './json-field.ts';
import { readSchemaVersion } from './manifest.ts';

/** An image index: the manifests of one image for several platforms, or the top of a layout. */
export interface Index {
  readonly schemaVersion: number;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Parse an index and keep its bytes as `raw`. Unknown members are ignored.
 *
 * @throws {OciSpecError} INVALID_FIELD, INVALID_DIGEST, AMBIGUOUS_DOCUMENT, and the codes of JSON that is not read
 */
export function parseIndex(raw: Uint8Array): Parsed<Index> {
  return parseDocument(raw, readIndex);
}

/** The tags in an index, each once, in index order. A tag may be the empty text. */
export function tagsOf(index: Index): readonly string[] {
  return [...new Set(index.manifests.flatMap((entry) => entry.annotations?.[REF_NAME_ANNOTATION] ?? []))];
}

const readIndex: Reader<Index> = (value, path) => {
  const object = read.object(value, path);
  refuseOtherKind(object, 'index');
  return {
    schemaVersion: required(object, 'schemaVersion', path, readSchemaVersion),
    manifests: required(object, 'manifests', path, read.array(readDescriptor)),
    ...optional(object, 'mediaType', path, read.string),
    ...optional(object, 'artifactType', path, read.string),
    ...optional(object, 'subject', path, readDescriptor),
    ...optional(object, 'annotations', path, read.stringMap),
  };
};
