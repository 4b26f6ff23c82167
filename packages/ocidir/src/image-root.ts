import { OciSpecError, REF_NAME_ANNOTATION, tagsOf, type Descriptor, type Index, type OpenOptions } from '@cfskit/oci-spec';
import { OciDirError } from './errors.ts';
import { LAYOUT_INDEX } from './layout-index.ts';
import { listNames } from './list-names.ts';

/** What a name stands for before a platform is chosen: a manifest or an index, and its bytes, checked. */
export interface ImageRoot {
  readonly descriptor: Descriptor;
  readonly raw: Uint8Array;
}

/** Which image is meant. */
export interface RootOptions extends OpenOptions {
  readonly tag?: string;
}

/**
 * The one entry of a layout's index that a tag names; without a tag the one entry there is. Entries that repeat a digest count once.
 *
 * @throws {OciSpecError} TAG_NOT_FOUND, EMPTY_INDEX
 * @throws {OciDirError} AMBIGUOUS
 */
export function rootEntry(index: Index, tag: string | undefined): Descriptor {
  const entries = tag === undefined ? index.manifests : index.manifests.filter((entry) => refName(entry) === tag);
  const [first] = entries;
  if (first === undefined) throw nothingFound(index, tag);
  if (entries.every(({ digest }) => digest === first.digest)) return first;
  if (tag !== undefined) {
    throw new OciDirError('AMBIGUOUS', LAYOUT_INDEX, `wanted one manifest or index with the tag '${tag}', found ${entries.length}`);
  }
  const message = `wanted a tag, since there are ${entries.length} images; available: ${listNames(tagsOf(index))}`;
  throw new OciDirError('AMBIGUOUS', LAYOUT_INDEX, message);
}

function nothingFound(index: Index, tag: string | undefined): OciSpecError {
  if (tag === undefined) return new OciSpecError('EMPTY_INDEX', 'Image index contains no manifests');
  return new OciSpecError('TAG_NOT_FOUND', `Tag '${tag}' not found in image index; available: ${listNames(tagsOf(index))}`);
}

function refName(entry: Descriptor): string | undefined {
  return entry.annotations?.[REF_NAME_ANNOTATION];
}
