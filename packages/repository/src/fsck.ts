import { formatAlgorithmName, type ObjectId } from '@cfskit/fs-verity';
import { closeSync, realpathSync, statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MAX_IMAGE_SIZE, type RepositoryContext } from './context.ts';
import { firstLevel, walk, type DirectoryEntry } from './directory.ts';
import { hasCode, messageOf } from './errors.ts';
import type { FsckFinding } from './finding.ts';
import type { FsckReport } from './fsck-report.ts';
import { imageId } from './images.ts';
import { checkCompatibility, type RepositoryMetadata } from './metadata.ts';
import { readMetadataFile } from './metadata-file.ts';
import type { Category } from './names.ts';
import { linkedObject } from './names-on-disk.ts';
import { checkObjects } from './object-checks.ts';
import { RecentIds } from './recent-ids.ts';
import { openStreamObject } from './stream-object.ts';

/** How far a check has come. */
export interface FsckProgress {
  readonly phase: Category | 'objects';
  readonly done: number;
  readonly total: number;
}

/** Options of a check. */
export interface FsckOptions {
  /** Leave out reading and hashing the objects themselves. */
  readonly metadataOnly?: boolean | undefined;
  /** Threads that hash objects; unless told, as many as pay off. */
  readonly jobs?: number | undefined;
  readonly onProgress?: ((progress: FsckProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Options of a check of objects alone. */
export interface VerifyObjectsOptions extends Omit<FsckOptions, 'metadataOnly'> {
  /** Only these objects; all there are, unless told. */
  readonly ids?: readonly ObjectId[] | undefined;
}

/** The part of a report that is about objects. */
export type ObjectsReport = Pick<FsckReport, 'errors' | 'objectsChecked' | 'objectsCorrupted'>;

/** Compare objects with their names. One that is not there counts as corrupted. */
export async function checkObjectsAlone(context: RepositoryContext, options: VerifyObjectsOptions): Promise<ObjectsReport> {
  const { ids, jobs, signal, onProgress } = options;
  const onChecked = (done: number, total: number): void => onProgress?.({ phase: 'objects', done, total });
  const { checked, findings } = await checkObjects(context, { ids, jobs, signal, onChecked });
  return { objectsChecked: checked, objectsCorrupted: findings.length, errors: findings };
}

/** Check a repository without changing it. Problems are collected; only directories that cannot be read are an error. */
export async function check(context: RepositoryContext, options: FsckOptions): Promise<FsckReport> {
  const run = new Check(context, options);
  run.checkMetadata();
  if (options.metadataOnly !== true) await run.checkObjects();
  await run.checkCategory('streams');
  await run.checkCategory('images');
  return run.report();
}

class Check {
  readonly #context: RepositoryContext;
  readonly #options: FsckOptions;
  readonly #errors: FsckFinding[] = [];
  readonly #count = { objects: 0, streams: 0, images: 0 };
  readonly #corrupted = { objects: 0, streams: 0, images: 0 };
  #hasMetadata = false;
  #brokenLinks = 0;
  #missingObjects = 0;
  /** Objects that could be opened. */
  readonly #openable: RecentIds = new RecentIds(32_768);

  constructor(context: RepositoryContext, options: FsckOptions) {
    this.#context = context;
    this.#options = options;
  }

  report(): FsckReport {
    return {
      hasMetadata: this.#hasMetadata,
      objectsChecked: this.#count.objects,
      objectsCorrupted: this.#corrupted.objects,
      streamsChecked: this.#count.streams,
      streamsCorrupted: this.#corrupted.streams,
      imagesChecked: this.#count.images,
      imagesCorrupted: this.#corrupted.images,
      brokenLinks: this.#brokenLinks,
      missingObjects: this.#missingObjects,
      errors: this.#errors,
    };
  }

  checkMetadata(): void {
    const { path, algorithm, verity, inferred } = this.#context;
    let metadata: RepositoryMetadata;
    try {
      ({ metadata } = readMetadataFile(path, verity));
    } catch (error) {
      // A repository from before there was such a file is in order without it.
      if (!(inferred && hasCode(error, 'OLD_FORMAT'))) this.#errors.push({ type: 'metadata-parse-failed', detail: messageOf(error) });
      return;
    }
    this.#hasMetadata = true;
    try {
      checkCompatibility(metadata, algorithm);
    } catch {
      const expected = formatAlgorithmName(metadata.algorithm);
      this.#errors.push({ type: 'metadata-algorithm-mismatch', expected, actual: algorithm });
    }
  }

  async checkObjects(): Promise<void> {
    const { objectsChecked, objectsCorrupted, errors } = await checkObjectsAlone(this.#context, this.#options);
    this.#count.objects = objectsChecked;
    this.#corrupted.objects = objectsCorrupted;
    for (const finding of errors) this.#errors.push(finding);
  }

  async checkCategory(category: Category): Promise<void> {
    const { path } = this.#context;
    const entries = firstLevel(path, category);
    for (const [index, entry] of entries.entries()) {
      await this.#turn(index);
      this.#count[category]++;
      if (this.#isUsableLink(entry, category)) await (category === 'streams' ? this.#checkStream(entry) : this.#checkImage(entry));
      this.#options.onProgress?.({ phase: category, done: index + 1, total: entries.length });
    }
    for (const entry of walk(path, `${category}/refs`)) this.#checkRef(entry);
  }

  #isUsableLink(entry: DirectoryEntry, category: Category): boolean {
    if (entry.kind !== 'Symlink') {
      this.#corrupted[category]++;
      this.#errors.push({ type: 'entry-not-symlink', path: entry.path });
      return false;
    }
    const state = this.#followLink(entry);
    if (state === 'broken') this.#corrupted[category]++;
    return state === 'resolves';
  }

  #checkRef(entry: DirectoryEntry): void {
    if (entry.kind === 'Symlink') this.#followLink(entry);
    else this.#errors.push({ type: 'unexpected-file-type', path: entry.path, detail: entry.kind });
  }

  #followLink({ file, path }: DirectoryEntry): 'broken' | 'resolves' | 'unknown' {
    try {
      if (statSync(file, { throwIfNoEntry: false }) !== undefined) return 'resolves';
      this.#brokenLinks++;
      this.#errors.push({ type: 'broken-symlink', path });
      return 'broken';
    } catch (error) {
      this.#errors.push({ type: 'stat-failed', path, detail: messageOf(error) });
      return 'unknown';
    }
  }

  async #checkStream({ file, path }: DirectoryEntry): Promise<void> {
    try {
      const { objectRefs, namedRefs } = await openStreamObject(this.#context.objects, this.#idBehind(file, path));
      for (const objectId of objectRefs) this.#checkReference(objectId, path, { type: 'missing-object-ref', path, objectId });
      for (const [refName, objectId] of namedRefs) {
        this.#checkReference(objectId, path, { type: 'missing-named-ref', path, refName, objectId });
      }
    } catch (error) {
      this.#corrupted.streams++;
      const name = path.slice('streams/'.length);
      this.#errors.push({ type: 'stream-open-failed', path, detail: `Opening stream '${name}': ${messageOf(error)}` });
    }
  }

  /** Without a reader of images it is the name and the link that are checked; the object is, with all objects. */
  #checkImage({ file, path, name }: DirectoryEntry): void {
    const { objects, algorithm, imageReader } = this.#context;
    let id: ObjectId;
    try {
      id = this.#idBehind(file, path);
      checkImageName(name ?? '', id, algorithm);
      closeSync(objects.openSync(id));
    } catch (error) {
      this.#failImage({ type: 'image-open-failed', path, detail: messageOf(error) });
      return;
    }
    if (imageReader === undefined) return;
    let image: Uint8Array;
    try {
      image = objects.readSync(id, { limit: MAX_IMAGE_SIZE });
    } catch (error) {
      this.#failImage({ type: 'image-read-failed', path, detail: messageOf(error) });
      return;
    }
    try {
      for (const objectId of new Set(imageReader(image, algorithm))) {
        this.#checkReference(objectId, path, { type: 'image-missing-object', path, objectId });
      }
    } catch (error) {
      this.#failImage({ type: 'image-invalid', path, detail: messageOf(error) });
    }
  }

  #failImage(finding: FsckFinding): void {
    this.#corrupted.images++;
    this.#errors.push(finding);
  }

  #idBehind(file: Buffer, path: string): ObjectId {
    return linkedObject(realpathSync.native(file, 'utf8'), path, this.#context.algorithm);
  }

  #checkReference(objectId: ObjectId, path: string, missing: FsckFinding): void {
    if (this.#openable.has(objectId)) return;
    try {
      closeSync(this.#context.objects.openSync(objectId));
      this.#openable.add(objectId);
    } catch (error) {
      if (hasCode(error, 'NOT_FOUND')) {
        this.#missingObjects++;
        this.#errors.push(missing);
      } else {
        this.#errors.push({ type: 'object-check-failed', path, objectId, detail: messageOf(error) });
      }
    }
  }

  async #turn(index: number): Promise<void> {
    if (index % 64 === 0) await nextTurn();
    this.#options.signal?.throwIfAborted();
  }
}

function checkImageName(name: string, id: ObjectId, algorithm: RepositoryContext['algorithm']): void {
  const wanted = imageId(name, algorithm);
  if (wanted === undefined) throw new TypeError('Parsing expected verity hash from image name: not an object id');
  if (wanted !== id) throw new TypeError(`fs-verity content mismatch: the link leads to ${id}`);
}
