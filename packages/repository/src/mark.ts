import type { ObjectId } from '@cfskit/fs-verity';
import { detectGeneration, SplitstreamError, type Splitstream } from '@cfskit/splitstream';
import { readlinkSync } from 'node:fs';
import { MAX_IMAGE_SIZE, type RepositoryContext } from './context.ts';
import { firstLevel, walk } from './directory.ts';
import { hasCode, messageOf, RepositoryError } from './errors.ts';
import type { Category } from './names.ts';
import { linkedObject } from './names-on-disk.ts';
import { refTarget } from './refs.ts';
import { invalidStream, openStreamObject, readHead } from './stream-object.ts';

/** What must stay. */
export interface Marked {
  readonly live: ReadonlySet<ObjectId>;
  /** Additional roots that are neither a stream nor an image. */
  readonly unknownRoots: readonly string[];
}

/** Where marking begins. */
export interface MarkOptions {
  readonly roots: readonly string[];
  /** References below `streams/refs` that are no roots. */
  readonly letGo: ReadonlySet<string>;
  readonly signal: AbortSignal | undefined;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * Find every object that a root reaches. Roots are all references, and the streams and images that `roots` names.
 *
 * Named references of a stream are followed by object id, whether or not a name in `streams/` leads there: a name may have been given to other
 * bytes since (splitstream format, "garbage collection").
 *
 * @throws {RepositoryError} DANGLING_REF, INVALID_LINK, UNEXPECTED_FILE_TYPE, NO_IMAGE_READER, INVALID_IMAGE, INVALID_STREAM, CORRUPT_OBJECT,
 *   NOT_FOUND: whatever would leave a part of what is in use unmarked
 */
export async function mark(context: RepositoryContext, { roots, letGo, signal }: MarkOptions): Promise<Marked> {
  const images = readCategory(context, 'images');
  const streams = readCategory(context, 'streams');
  const live = new Set<ObjectId>();
  const imageRoots = new Set([...refTargets(context.path, 'images', images), ...named(roots, images)]);
  const streamRoots = new Set([...refTargets(context.path, 'streams', streams, letGo), ...named(roots, streams)]);
  if (imageRoots.size > 0 && context.imageReader === undefined) throw noImageReader(imageRoots.size);
  for (const id of imageRoots) markImage(context, id, live);
  await new StreamMarker(context, new Set(streams.values()), live, signal).markAll(streamRoots);
  return { live, unknownRoots: roots.filter((root) => !images.has(root) && !streams.has(root)) };
}

/** First-level names and the objects they lead to. */
function readCategory({ path: root, algorithm }: RepositoryContext, category: Category): ReadonlyMap<string, ObjectId> {
  const entries = new Map<string, ObjectId>();
  for (const { kind, name, path, file } of firstLevel(root, category)) {
    if (kind !== 'Symlink') throw new RepositoryError('UNEXPECTED_FILE_TYPE', path, `category directory contains non-symlink: ${path}`);
    if (name === undefined) throw new RepositoryError('INVALID_NAME', path, `name is not UTF-8: ${path}`);
    entries.set(name, linkedObject(readlinkSync(file, 'utf8'), path, algorithm));
  }
  return entries;
}

function* refTargets(
  root: string,
  category: Category,
  entries: ReadonlyMap<string, ObjectId>,
  letGo: ReadonlySet<string> = NONE,
): Generator<ObjectId, void> {
  const refs = `${category}/refs`;
  for (const { kind, path, file } of walk(root, refs)) {
    if (letGo.has(path.slice(refs.length + 1))) continue;
    if (kind !== 'Symlink') throw new RepositoryError('UNEXPECTED_FILE_TYPE', path, `Unexpected file type encountered: ${path} (${kind})`);
    const target = refTarget(readlinkSync(file, 'utf8'));
    const id = entries.get(target);
    if (id === undefined) {
      const message = `Reading symlink target: ${path} names ${category}/${target}, which does not exist; remove or repair it first`;
      throw new RepositoryError('DANGLING_REF', path, message);
    }
    yield id;
  }
}

function named(roots: readonly string[], entries: ReadonlyMap<string, ObjectId>): readonly ObjectId[] {
  return roots.flatMap((root) => entries.get(root) ?? []);
}

function markImage({ algorithm, objects, imageReader }: RepositoryContext, id: ObjectId, live: Set<ObjectId>): void {
  if (imageReader === undefined) return;
  live.add(id);
  const image = objects.readSync(id, { limit: MAX_IMAGE_SIZE, verify: true });
  try {
    for (const object of imageReader(image, algorithm)) live.add(object);
  } catch (cause) {
    throw new RepositoryError('INVALID_IMAGE', `images/${id}`, `Collecting objects for image ${id}: ${messageOf(cause)}`, { cause });
  }
}

class StreamMarker {
  readonly #context: RepositoryContext;
  readonly #named: ReadonlySet<ObjectId>;
  readonly #live: Set<ObjectId>;
  readonly #signal: AbortSignal | undefined;
  readonly #walked: Set<ObjectId> = new Set();

  constructor(context: RepositoryContext, namedIds: ReadonlySet<ObjectId>, live: Set<ObjectId>, signal: AbortSignal | undefined) {
    this.#context = context;
    this.#named = namedIds;
    this.#live = live;
    this.#signal = signal;
  }

  async markAll(roots: Iterable<ObjectId>): Promise<void> {
    const waiting = [...roots];
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      if (this.#walked.has(id)) continue;
      this.#signal?.throwIfAborted();
      this.#walked.add(id);
      this.#live.add(id);
      for (const target of await this.#markStream(id)) {
        this.#live.add(target);
        if (!this.#walked.has(target) && this.#isStream(target)) waiting.push(target);
      }
    }
  }

  /** @returns what the stream refers to by name */
  async #markStream(id: ObjectId): Promise<Iterable<ObjectId>> {
    const stream = await this.#open(id);
    for (const object of stream.objectRefs) this.#live.add(object);
    return stream.namedRefs.values();
  }

  /** The content is checked: a damaged table would let go of what is in use. */
  async #open(id: ObjectId): Promise<Splitstream> {
    const { objects } = this.#context;
    await readThrough(objects.open(id, { verify: true, signal: this.#signal }));
    try {
      return await openStreamObject(objects, id);
    } catch (cause) {
      throw cause instanceof SplitstreamError ? invalidStream(id, cause) : cause;
    }
  }

  /** Named references also lead to images. What has a name in `streams/` must be a stream; what is not there has nothing to keep. */
  #isStream(id: ObjectId): boolean {
    if (this.#named.has(id)) return true;
    try {
      const generation = detectGeneration(readHead(this.#context.objects, id, 32));
      return generation === 'current' || generation === 'old-header';
    } catch (error) {
      if (hasCode(error, 'NOT_FOUND')) return false;
      throw error;
    }
  }
}

/** For what the source checks at its end. */
async function readThrough(source: AsyncIterable<unknown>): Promise<void> {
  const pieces = source[Symbol.asyncIterator]();
  for (;;) if ((await pieces.next()).done === true) return;
}

function noImageReader(count: number): RepositoryError {
  const message = `cannot collect: ${count} image(s) are in use, and nothing here reads EROFS images, so their objects would be lost`;
  return new RepositoryError('NO_IMAGE_READER', 'images/refs', message);
}
