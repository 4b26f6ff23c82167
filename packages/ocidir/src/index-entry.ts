import { parseJson, REF_NAME_ANNOTATION, type Descriptor, type Index, type Manifest, type Parsed, type Platform } from '@cfskit/oci-spec';
import { typeOf } from './referrers.ts';

/** What an entry says beyond what it points to. */
export interface EntryOptions {
  /** Name within the layout. */
  readonly tag?: string;
  readonly platform?: Platform;
  /** Further annotations of the entry. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * The entry of a layout's index for a manifest. A manifest that refers to another carries its type and annotations in the entry, as
 * registries list referrers; any other carries the `artifactType` it has.
 *
 * @param manifest absent for an index
 */
export function indexEntry(descriptor: Descriptor, manifest: Manifest | undefined, options: EntryOptions): Descriptor {
  const refers = manifest?.subject !== undefined;
  const artifactType = refers ? typeOf(manifest) : manifest?.artifactType;
  const annotations = {
    ...(refers && manifest.annotations),
    ...options.annotations,
    ...(options.tag !== undefined && { [REF_NAME_ANNOTATION]: options.tag }),
  };
  return {
    ...descriptor,
    ...(options.platform && { platform: options.platform }),
    ...(artifactType !== undefined && { artifactType }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
}

/**
 * The index with `entry` at its end. Entries of the same tag go; so does an entry without a tag that names the same digest, if `entry`
 * has no tag either. What else the index says stays, also what this program does not know.
 */
export function withEntry(index: Parsed<Index> | undefined, emptyIndex: object, entry: Descriptor): object {
  const document = index === undefined ? emptyIndex : (parseJson(index.raw) as object);
  const old = 'manifests' in document && Array.isArray(document.manifests) ? (document.manifests as readonly Descriptor[]) : [];
  return { ...document, manifests: [...old.filter((other) => !replaces(entry, other)), entry] };
}

function replaces(entry: Descriptor, other: Descriptor): boolean {
  const tag = refName(entry);
  return refName(other) === tag && (tag !== undefined || other.digest === entry.digest);
}

function refName(entry: Descriptor): string | undefined {
  return entry.annotations?.[REF_NAME_ANNOTATION];
}
