import { OciSpecError, quote } from './errors.ts';
import { type JsonObject } from './json-field.ts';
import { isIndex, isManifest } from './media-type.ts';

/**
 * One document must not be both a manifest and an index: two readers that go by different members would see two images under one
 * digest (CVE-2021-41190). So a manifest with `manifests`, an index with `layers`, and a document that calls itself the other kind
 * are refused. An absent `mediaType` is fine, as is any type that is neither.
 *
 * @throws {OciSpecError} AMBIGUOUS_DOCUMENT
 */
export function refuseOtherKind(object: JsonObject, kind: 'manifest' | 'index'): void {
  const [member, isOther] = kind === 'manifest' ? (['manifests', isIndex] as const) : (['layers', isManifest] as const);
  if (object[member] !== undefined) throw ambiguous(member, `wanted ${kind}, found one with ${quote(member)}`);
  const { mediaType } = object;
  if (typeof mediaType === 'string' && isOther(mediaType)) throw ambiguous('mediaType', `wanted ${kind}, found one of type ${mediaType}`);
}

function ambiguous(path: string, message: string): OciSpecError {
  return new OciSpecError('AMBIGUOUS_DOCUMENT', message, { path });
}
