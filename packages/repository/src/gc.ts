import { parseObjectName, parseObjectPath, type ObjectId } from '@cfskit/fs-verity';
import { readlinkSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RepositoryContext } from './context.ts';
import { firstLevel, readDirectory, walk, type DirectoryEntry } from './directory.ts';
import { hasCode, messageOf, RepositoryError } from './errors.ts';
import { mark } from './mark.ts';
import type { Category } from './names.ts';
import { OBJECT_DIRECTORIES } from './object-files.ts';
import { listRefs, removeRef, type Ref } from './refs.ts';
import { HOLD_PREFIX, LINK_PREFIX, OBJECT_PREFIX, ROOT_PREFIX } from './temporary-name.ts';

/** What a collection removed, or would remove. */
export interface GcResult {
  readonly objectsRemoved: number;
  /** Bytes of these objects. */
  readonly objectsBytes: number;
  /** Links of `images/` and `streams/`. */
  readonly imagesPruned: number;
  readonly streamsPruned: number;
  /** Additional roots that name nothing. */
  readonly unknownRoots: readonly string[];
}

/** The command line's JSON. */
export interface GcJson {
  readonly result: {
    readonly objects_removed: number;
    readonly objects_bytes: number;
    readonly images_pruned: number;
    readonly streams_pruned: number;
  };
  readonly dry_run: boolean;
}

/** How a collection runs. */
export interface CollectOptions {
  /** Names of streams and images to keep besides what references keep. */
  readonly roots: readonly string[];
  readonly dryRun: boolean;
  /** Chooses, from the references to streams that there are, those that shall keep nothing and go first. */
  readonly letGo: (refs: readonly Ref[]) => readonly string[];
  /** Brings removed names to disk before their objects go. */
  readonly sync: () => Promise<void>;
  readonly signal: AbortSignal | undefined;
}

/**
 * Remove what no root reaches. The caller holds the exclusive lock, or for a dry run the shared one.
 *
 * Names go before the objects they lead to: killed in between, the repository has objects that nothing refers to, and nothing that refers to
 * an object that is gone. Nothing at all is removed if anything is found that makes the roots or the objects doubtful.
 */
export async function collect(context: RepositoryContext, { roots, dryRun, letGo, sync, signal }: CollectOptions): Promise<GcResult> {
  const goners = letGo(listRefs(context.path, '', 'streams'));
  const { live, unknownRoots } = await mark(context, { roots, letGo: new Set(goners), signal });
  const dead = await countDead(context, live, signal);
  const images = deadLinks(context, 'images', live);
  const streams = deadLinks(context, 'streams', live).filter(({ path }) => !goners.includes(path.slice(STREAM_REFS.length)));
  if (!dryRun) {
    signal?.throwIfAborted();
    for (const name of goners) removeRef(context.path, name, 'streams');
    for (const { file } of [...images, ...streams]) unlinkSync(file);
    if (goners.length + images.length + streams.length > 0) await sync();
    await sweep(context, live, signal);
    removeTemporaries(context.path);
  }
  return { ...dead, imagesPruned: images.length, streamsPruned: streams.length, unknownRoots };
}

/** The result in the shape that the command line prints. */
export function gcJson(result: GcResult, dryRun: boolean): GcJson {
  return {
    result: {
      objects_removed: result.objectsRemoved,
      objects_bytes: result.objectsBytes,
      images_pruned: result.imagesPruned,
      streams_pruned: result.streamsPruned,
    },
    dry_run: dryRun,
  };
}

/** The result as text, each line with its newline. */
export function formatGcResult(result: GcResult, dryRun: boolean): string {
  const { objectsRemoved, objectsBytes, imagesPruned, streamsPruned } = result;
  const first = dryRun ? 'Dry run (no files deleted):\n' : '';
  const pruned = imagesPruned + streamsPruned > 0 ? `Pruned symlinks: ${imagesPruned} images, ${streamsPruned} streams\n` : '';
  return `${first}Objects: ${objectsRemoved} removed (${objectsBytes} bytes)\n${pruned}`;
}

async function countDead(
  context: RepositoryContext,
  live: ReadonlySet<ObjectId>,
  signal: AbortSignal | undefined,
): Promise<Pick<GcResult, 'objectsBytes' | 'objectsRemoved'>> {
  let objectsRemoved = 0;
  let objectsBytes = 0;
  for await (const entries of deadObjects(context, live, signal)) {
    objectsRemoved += entries.length;
    objectsBytes += entries.reduce((bytes, { file }) => bytes + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
  }
  return { objectsRemoved, objectsBytes };
}

async function sweep(context: RepositoryContext, live: ReadonlySet<ObjectId>, signal: AbortSignal | undefined): Promise<void> {
  for await (const entries of deadObjects(context, live, signal)) {
    for (const { file } of entries) unlinkSync(file);
  }
}

/** The objects that nothing needs, directory by directory; the event loop turns in between. */
async function* deadObjects(
  { path, algorithm }: RepositoryContext,
  live: ReadonlySet<ObjectId>,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly DirectoryEntry[], void> {
  for (const [number, directory] of OBJECT_DIRECTORIES.entries()) {
    const entries = readDirectory(path, `objects/${directory}`);
    const dead = entries.filter((entry) => !live.has(idOfEntry(number, entry, algorithm)));
    if (dead.length > 0) yield dead;
    await nextTurn();
    signal?.throwIfAborted();
  }
}

function idOfEntry(directory: number, { kind, name, path }: DirectoryEntry, algorithm: RepositoryContext['algorithm']): ObjectId {
  if (kind === 'Directory') throw new RepositoryError('UNEXPECTED_FILE_TYPE', path, `${path} is a directory among objects`);
  try {
    return parseObjectName(directory, name ?? '', algorithm);
  } catch (cause) {
    const message = `Parsing object ID from directory entry: ${messageOf(cause)}: ${path}`;
    throw new RepositoryError('INVALID_OBJECT_NAME', path, message, { cause });
  }
}

/** Links that lead to nothing now, or will when the objects are gone; first the names, then the references to them. */
function deadLinks({ path, algorithm }: RepositoryContext, category: Category, live: ReadonlySet<ObjectId>): readonly DirectoryEntry[] {
  const first = firstLevel(path, category).filter(({ file }) => !isLive(readlinkSync(file, 'utf8'), live, algorithm) || isBroken(file));
  const refs = [...walk(path, `${category}/refs`)].filter(({ file }) => isBroken(file));
  return [...first, ...refs];
}

/** Marking has read all of these texts: each ends in an id. */
function isLive(text: string, live: ReadonlySet<ObjectId>, algorithm: RepositoryContext['algorithm']): boolean {
  return live.has(parseObjectPath(text, algorithm));
}

function isBroken(file: Buffer): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) === undefined;
  } catch (error) {
    if (hasCode(error, 'ELOOP', 'EACCES')) return false;
    throw error;
  }
}

const STREAM_REFS = 'streams/refs/';

/** Under the exclusive lock nobody is filling a temporary file or holding a stream. */
function removeTemporaries(root: string): void {
  const waiting = readDirectory(root, 'objects').filter(({ name }) => name?.startsWith(OBJECT_PREFIX));
  const inRoot = readDirectory(root, '').filter(({ name }) => name?.startsWith(LINK_PREFIX) || name?.startsWith(ROOT_PREFIX));
  for (const { file } of [...waiting, ...inRoot, ...idleHolds(root)]) rmSync(file, { recursive: true, force: true });
}

/** Names that held a stream, which has another name by now. Where a killed process left it without one, it still needs the hold. */
function idleHolds(root: string): readonly DirectoryEntry[] {
  const names = firstLevel(root, 'streams');
  const named = new Set(names.filter((entry) => !isHold(entry)).map(({ file }) => readlinkSync(file, 'utf8')));
  return names.filter((entry) => isHold(entry) && named.has(readlinkSync(entry.file, 'utf8')));
}

function isHold({ name }: DirectoryEntry): boolean {
  return name?.startsWith(HOLD_PREFIX) === true;
}
