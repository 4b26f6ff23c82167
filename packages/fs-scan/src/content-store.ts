import type { ObjectId } from '@cfskit/fs-verity';

/** What a content store says of a content that it has been given. */
export interface StoredContent {
  readonly id: ObjectId;
  /** Whether it was written now; `false` if it was there already. */
  readonly stored: boolean;
}

/**
 * Where contents go while they are hashed, an object store. Its calls are synchronous, and it lives in the thread that reads the files: each
 * thread makes one of its own. `LocalObjectStore` of `@cfskit/repository` is one.
 */
export interface ContentStore {
  /** Store a content that is in memory as a whole. The bytes are used again after the call. */
  putSync(bytes: Uint8Array): StoredContent;
  /** Store a content of `size` bytes that comes in pieces. */
  createWriterSync(size: number): ContentWriter;
}

/** Takes one content; ends with `finish` or `abort`. */
export interface ContentWriter {
  /** Take the next bytes. They are used again after the call. */
  write(bytes: Uint8Array): void;
  finish(): StoredContent;
  /** Leave nothing behind. */
  abort(): void;
}

/** How a thread gets its content store: by a module that it loads, since objects with methods cannot be sent to it. */
export interface ContentStoreModule {
  /** What `import()` takes: a `file:` URL, for instance of `import.meta.resolve`. */
  readonly module: string;
  /** Name of the exported function that makes a {@link ContentStore}, perhaps later. */
  readonly create: string;
  /** What that function is given. It is sent to the thread, so plain data. */
  readonly options: unknown;
}

/**
 * Load the module and make the store.
 *
 * @throws {TypeError} if the module has no such function
 */
export async function openContentStore({ module, create, options }: ContentStoreModule): Promise<ContentStore> {
  const loaded = (await import(module)) as Readonly<Record<string, unknown>>;
  const factory = loaded[create];
  if (typeof factory !== 'function') throw new TypeError(`${module} exports no function ${create}`);
  return (await (factory as (options: unknown) => unknown)(options)) as ContentStore;
}
