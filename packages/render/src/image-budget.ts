import { FsTreeError, NAME_MAX, splitPath, TARGET_MAX, type ByteString, type LayerEntry } from '@cfskit/fs-tree';
import { RenderError } from './errors.ts';
import type { Limits } from './limits.ts';
import { pathShape } from './path-shape.ts';
import type { PaxRecord } from './pax.ts';

/** What a record or an attribute takes beside its bytes, about. */
const PAIR_COST = 64;
const MARKER = '.wh.';

/** What is kept of an entry until all layers are merged. */
export interface KeptEntry {
  readonly kind: LayerEntry<unknown>['kind'];
  readonly path: ByteString;
  readonly target?: ByteString;
  readonly uname?: ByteString;
  readonly gname?: ByteString;
  readonly xattrs: ReadonlyMap<ByteString, ByteString>;
  readonly records?: readonly PaxRecord[];
}

/** Counts what is kept of all layers of an image, which wait in memory together until they are merged. */
export class ImageBudget {
  readonly #limits: Limits;
  #entries = 0;
  #bytes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /**
   * @param offset where the entry is in its layer
   * @throws {RenderError} LIMIT_ENTRIES, LIMIT_METADATA. {FsTreeError} INVALID_NAME, INVALID_TARGET for what no directory can hold: the merge
   *   would refuse it, too, but all would be kept until then
   */
  count(entry: KeptEntry, offset?: number): void {
    checkNames(entry);
    const { maxEntries, maxMetadata } = this.#limits;
    const { path } = entry;
    const place = { path, ...(offset !== undefined && { offset }) };
    if (++this.#entries > maxEntries) throw new RenderError('LIMIT_ENTRIES', `more than ${maxEntries} entries in all layers`, place);
    this.#bytes += bytesOf(entry);
    if (this.#bytes > maxMetadata) throw new RenderError('LIMIT_METADATA', `more than ${maxMetadata} bytes of names and records`, place);
  }
}

function checkNames({ kind, path, target = '' }: KeptEntry): void {
  if (path.length > NAME_MAX && pathShape(path).longest > NAME_MAX) checkComponents(path);
  if (kind === 'symlink' && target.length > TARGET_MAX) {
    throw new FsTreeError(
      'INVALID_TARGET',
      path.slice(0, NAME_MAX),
      `symbolic link target of ${target.length} bytes, at most ${TARGET_MAX} are possible`,
    );
  }
}

/** A marker names what it hides, so it may be longer by what makes it one. */
function checkComponents(path: ByteString): void {
  for (const name of splitPath(path)) {
    if (name.length <= NAME_MAX || (name.startsWith(MARKER) && name.length <= NAME_MAX + MARKER.length)) continue;
    throw new FsTreeError('INVALID_NAME', name.slice(0, NAME_MAX), `file name of ${name.length} bytes, at most ${NAME_MAX} are possible`);
  }
}

function bytesOf({ path, target = '', uname = '', gname = '', xattrs, records = [] }: KeptEntry): number {
  let bytes = path.length + target.length + uname.length + gname.length;
  if (xattrs.size > 0) for (const pair of xattrs) bytes += costOf(pair);
  for (const pair of records) bytes += costOf(pair);
  return bytes;
}

/** Of a record or an attribute, in bytes of memory. */
export function costOf([key, value]: PaxRecord): number {
  return key.length + value.length + PAIR_COST;
}
