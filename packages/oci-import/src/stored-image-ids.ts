import type { Directory, XattrMode } from '@cfskit/fs-tree';
import type { Algorithm, ObjectId } from '@cfskit/fs-verity';
import type { ErofsFormat, Repository } from '@cfskit/repository';
import { idOfImage } from './build-images.ts';
import { convertObjectIds } from './convert-object-ids.ts';
import { buildImageTree } from './image-tree.ts';
import type { StoredImage } from './stored-image.ts';

/** What the id of an image depends on besides its files. */
export interface ImageIdSettings {
  readonly format: ErofsFormat;
  readonly algorithm: Algorithm;
  readonly xattrs: XattrMode;
}

/** The ids that the EROFS images of one stored image have, computed when they are asked for. Nothing is stored. */
export class StoredImageIds {
  readonly #repository: Repository;
  readonly #image: StoredImage;
  readonly #signal: AbortSignal | undefined;
  /** The tree that was needed last, and what it is. */
  #tree: { readonly key: string; readonly root: Directory } | undefined;
  readonly #ids = new Map<string, ObjectId>();

  constructor(repository: Repository, image: StoredImage, signal?: AbortSignal) {
    this.#repository = repository;
    this.#image = image;
    this.#signal = signal;
  }

  /** @throws {OciImportError} NOT_A_CONTAINER, MISSING_LAYER_REF, IMAGE_FAILED, INTEGRITY. {RepositoryError} The signal's reason */
  async get(settings: ImageIdSettings): Promise<ObjectId> {
    const { format, algorithm, xattrs } = settings;
    const key = `${format} ${algorithm} ${xattrs}`;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = idOfImage(await this.#treeFor(settings), format, algorithm);
    this.#ids.set(key, id);
    return id;
  }

  async #treeFor({ algorithm, xattrs }: ImageIdSettings): Promise<Directory> {
    const key = `${algorithm} ${xattrs}`;
    if (this.#tree?.key === key) return this.#tree.root;
    const options = this.#signal === undefined ? {} : { signal: this.#signal };
    const root = await buildImageTree(this.#repository, this.#image, { xattrs, ...options });
    await convertObjectIds(this.#repository, root, algorithm, options);
    this.#tree = { key, root };
    return root;
  }
}
