import { FsVerityHasher } from '@cfskit/fs-verity';
import type { Algorithm, ObjectId } from '@cfskit/fs-verity';
import { walkTree } from '@cfskit/fs-tree';
import type { Directory, FileLeaf, Leaf } from '@cfskit/fs-tree';
import { nativeBlockHash } from '@cfskit/linux';
import type { Repository } from '@cfskit/repository';
import { Breather } from './breather.ts';
import { OciImportError } from './errors.ts';

/** How object ids are converted. */
export interface ConvertObjectIdsOptions {
  readonly signal?: AbortSignal;
}

/**
 * Gives the files of a tree the object ids that they have under another algorithm, in place: for ids of images in repositories other than this
 * one. Every object is read once, checked against the id that it has here, and must have the size that the tree says.
 *
 * Nothing happens if the algorithm is that of the repository.
 *
 * @throws {OciImportError} INTEGRITY for an object of another size. {RepositoryError} NOT_FOUND, CORRUPT_OBJECT. The signal's reason
 */
export async function convertObjectIds(
  repository: Repository,
  root: Directory,
  algorithm: Algorithm,
  options: ConvertObjectIdsOptions = {},
): Promise<void> {
  if (algorithm === repository.algorithm) return;
  const converter = new Converter(repository, algorithm, options.signal);
  for (const { node } of walkTree(root)) {
    if (node.kind !== 'directory') continue;
    for (const [name, leaf] of node.entries()) {
      if (isExternal(leaf)) node.insert(name, await converter.convert(leaf));
    }
  }
}

type ExternalLeaf = FileLeaf & { readonly content: { readonly kind: 'external'; readonly objectId: ObjectId; readonly size: number } };

function isExternal(node: Directory | Leaf): node is ExternalLeaf {
  return node.kind === 'file' && node.content.kind === 'external';
}

class Converter {
  readonly #repository: Repository;
  readonly #hasher: FsVerityHasher;
  readonly #signal: AbortSignal | undefined;
  readonly #breather = new Breather();
  /** A leaf with several names stays one. */
  readonly #leaves = new Map<FileLeaf, FileLeaf>();
  readonly #ids = new Map<ObjectId, { readonly id: ObjectId; readonly size: number }>();

  constructor(repository: Repository, algorithm: Algorithm, signal: AbortSignal | undefined) {
    this.#repository = repository;
    this.#hasher = new FsVerityHasher(algorithm, { blockHash: nativeBlockHash(algorithm) });
    this.#signal = signal;
  }

  async convert(leaf: ExternalLeaf): Promise<FileLeaf> {
    const known = this.#leaves.get(leaf);
    if (known !== undefined) return known;
    const { objectId, size } = leaf.content;
    const found = this.#ids.get(objectId) ?? (await this.#hash(objectId));
    this.#ids.set(objectId, found);
    if (found.size !== size) {
      const sizes = { expected: String(size), actual: String(found.size) };
      throw new OciImportError('INTEGRITY', `object ${objectId} has ${found.size} bytes, a layer says ${size}`, sizes);
    }
    const converted: FileLeaf = { ...leaf, content: { kind: 'external', objectId: found.id, size } };
    this.#leaves.set(leaf, converted);
    return converted;
  }

  async #hash(objectId: ObjectId): Promise<{ readonly id: ObjectId; readonly size: number }> {
    this.#hasher.reset();
    let size = 0;
    for await (const piece of this.#repository.objects.open(objectId, { verify: true, signal: this.#signal })) {
      this.#hasher.update(piece);
      size += piece.byteLength;
    }
    await this.#breather.breathe();
    return { id: this.#hasher.objectId(), size };
  }
}
