import type { LockOptions } from './read-lock.ts';
import type { LayerRecord } from './records.ts';
import { Skipped } from './skipped.ts';
import type { Store } from './store.ts';

/** A layer and the store that has it. */
export interface PlacedLayer {
  readonly store: Store;
  readonly record: LayerRecord;
}

/** Finds layers, each in the first store that has it. The list of a store is read when the stores before it do not have one. */
export class LayerFinder {
  readonly #stores: readonly Store[];
  readonly #options: LockOptions;
  readonly #lists = new Map<Store, ReadonlyMap<string, LayerRecord>>();
  readonly #unread = new Skipped();

  constructor(stores: readonly Store[], options: LockOptions) {
    this.#stores = stores;
    this.#options = options;
  }

  /**
   * @returns undefined if no store has it
   * @throws {ContainersStorageError} why a store could not be read that may have it
   */
  async find(id: string): Promise<PlacedLayer | undefined> {
    for (const store of this.#stores) {
      const record = (await this.#list(store)).get(id);
      if (record !== undefined) return { store, record };
    }
    if (this.#unread.reason !== undefined) throw this.#unread.reason;
    return undefined;
  }

  async #list(store: Store): Promise<ReadonlyMap<string, LayerRecord>> {
    const known = this.#lists.get(store);
    if (known !== undefined) return known;
    const read = await this.#unread.unless(store.layers(this.#options));
    if (read?.damage !== undefined) this.#unread.add(read.damage);
    const list = read?.records ?? new Map<string, LayerRecord>();
    this.#lists.set(store, list);
    return list;
  }
}
