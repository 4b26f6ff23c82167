import type { ByteString } from '@cfskit/fs-tree';
import { RenderError } from './errors.ts';
import { costOf } from './image-budget.ts';
import type { PaxRecord } from './pax.ts';
import { FIELDS, setOrDelete, textValue, XATTR, xattrName } from './pax-key.ts';

/**
 * What the global PAX headers of a tar say so far. Later ones add to earlier ones. Keys that nothing here looks at are passed over: they are
 * about the archive, not about each of its entries.
 */
export class GlobalRecords {
  readonly #limit: number;
  readonly #fields: Map<ByteString, ByteString> = new Map();
  #xattrs: Map<ByteString, ByteString> = new Map();
  #shared = false;
  #size = 0;

  /** @param limit bytes of memory that they may take */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Keys of {@link FIELDS}. */
  get fields(): ReadonlyMap<ByteString, ByteString> {
    return this.#fields;
  }

  /** Extended attributes by name. The same object for all entries between two headers; it does not change later. */
  get xattrs(): ReadonlyMap<ByteString, ByteString> {
    this.#shared = true;
    return this.#xattrs;
  }

  /** @throws {RenderError} INVALID_PAX, LIMIT_METADATA */
  add(records: readonly PaxRecord[], offset: number): void {
    for (const [key, value] of records) {
      // How long entries are they may not say: not all readers look, so that one would see others.
      if (key === 'size' || key.startsWith('GNU.sparse.'))
        throw new RenderError('INVALID_PAX', `${key} in a global PAX header`, { offset });
      if (key.startsWith(XATTR)) this.#addXattr(xattrName(key, offset), value);
      else if (FIELDS.has(key)) this.#addField(key, textValue(key, value, offset));
      if (this.#size > this.#limit) throw new RenderError('LIMIT_METADATA', `${this.#size} bytes of global PAX records`, { offset });
    }
  }

  #addXattr(name: ByteString, value: ByteString): void {
    if (this.#shared) {
      this.#xattrs = new Map(this.#xattrs);
      this.#shared = false;
    }
    this.#size -= sizeIn(this.#xattrs, name);
    this.#xattrs.set(name, value);
    this.#size += sizeIn(this.#xattrs, name);
  }

  #addField(key: ByteString, value: ByteString): void {
    this.#size -= sizeIn(this.#fields, key);
    setOrDelete(this.#fields, key, value);
    this.#size += sizeIn(this.#fields, key);
  }
}

function sizeIn(map: ReadonlyMap<ByteString, ByteString>, key: ByteString): number {
  const value = map.get(key);
  return value === undefined ? 0 : costOf([key, value]);
}
