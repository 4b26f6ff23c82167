import { fsVerityDigest, type Algorithm, type ObjectId } from '@cfskit/fs-verity';
import { RepositoryError } from './errors.ts';
import type { ObjectStore, OpenObjectOptions, PutOptions, StoredObject } from './object-store.ts';
import { corrupt, notFound } from './object-verity.ts';

/** An object store in memory, for tests. */
export class MemoryObjectStore implements ObjectStore {
  readonly algorithm: Algorithm;
  /** The contents themselves; a test may damage them. */
  readonly contents: Map<ObjectId, Uint8Array> = new Map();

  constructor(algorithm: Algorithm) {
    this.algorithm = algorithm;
  }

  async has(id: ObjectId): Promise<boolean> {
    return this.contents.has(this.#check(id));
  }

  async put(source: Uint8Array | AsyncIterable<Uint8Array>, { size, signal }: PutOptions = {}): Promise<StoredObject> {
    signal?.throwIfAborted();
    const pieces: Uint8Array[] = [];
    for await (const piece of source instanceof Uint8Array ? [source] : source) {
      signal?.throwIfAborted();
      pieces.push(piece.slice());
    }
    const content = new Uint8Array(Buffer.concat(pieces));
    if (size !== undefined && size !== content.byteLength) {
      throw new RepositoryError('SIZE_MISMATCH', 'objects', `Expected ${size} bytes, got ${content.byteLength}`);
    }
    const id = fsVerityDigest(content, this.algorithm);
    const stored = !this.contents.has(id);
    if (stored) this.contents.set(id, content);
    return { id, size: content.byteLength, stored };
  }

  async *open(id: ObjectId, { verify = false, signal }: OpenObjectOptions = {}): AsyncGenerator<Uint8Array, void> {
    signal?.throwIfAborted();
    const content = this.contents.get(this.#check(id));
    if (content === undefined) throw notFound(id);
    if (content.byteLength > 0) yield content.slice();
    const found = verify ? fsVerityDigest(content, this.algorithm) : id;
    if (found !== id) throw corrupt(id, found, 'Verifying object content');
  }

  async *list(): AsyncGenerator<ObjectId, void> {
    yield* [...this.contents.keys()].toSorted();
  }

  async remove(id: ObjectId): Promise<boolean> {
    return this.contents.delete(this.#check(id));
  }

  #check(id: ObjectId): ObjectId {
    if (id.length !== (this.algorithm === 'sha256' ? 64 : 128)) throw new TypeError(`not an object id of ${this.algorithm}: ${id}`);
    return id;
  }
}
