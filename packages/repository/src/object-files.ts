import { objectPath, parseObjectName, type Algorithm, type ObjectId } from '@cfskit/fs-verity';
import { mkdirSync, readdirSync, statSync, unlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from './errors.ts';
import { openForReading } from './file-io.ts';
import { notFound } from './object-verity.ts';
import type { StagedFile } from './staged-file.ts';

/** The directory of the objects: where each object is, and the 256 directories that come into being when they are needed. */
export class ObjectFiles {
  readonly directory: string;
  readonly #made: Uint8Array = new Uint8Array(256);
  #madeSelf = false;

  constructor(directory: string) {
    this.directory = directory;
  }

  path(id: ObjectId): string {
    return `${this.directory}/${objectPath(id)}`;
  }

  /** Size and so on of an object; undefined if there is none. */
  stat(id: ObjectId): Stats | undefined {
    return statSync(this.path(id), { throwIfNoEntry: false });
  }

  /** @throws {RepositoryError} NOT_FOUND */
  open(id: ObjectId): number {
    try {
      return openForReading(this.path(id));
    } catch (cause) {
      if (hasCode(cause, 'ENOENT')) throw notFound(id, { cause });
      throw cause;
    }
  }

  /** Device number of the file system that holds the objects. */
  device(): number {
    return statSync(this.directory).dev;
  }

  /** Make the directory itself, where files wait for their names. */
  prepare(): void {
    if (this.#madeSelf) return;
    makeDirectory(this.directory);
    this.#madeSelf = true;
  }

  /** Name a finished file; `exists` if there is an object of that name, which then stays. */
  link(file: StagedFile, id: ObjectId): 'exists' | 'linked' {
    return this.linkWith(id, (destination) => file.link(destination));
  }

  /** The same, by a call of one's own. */
  linkWith(id: ObjectId, link: (destination: string) => 'exists' | 'linked'): 'exists' | 'linked' {
    this.#prepareFor(id);
    return link(this.path(id));
  }

  /** Put a finished file in the place of a damaged object. */
  replace(file: StagedFile, id: ObjectId): void {
    this.#prepareFor(id);
    file.replace(this.path(id));
  }

  /** @returns whether it was there */
  remove(id: ObjectId): boolean {
    try {
      unlinkSync(this.path(id));
      return true;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false;
      throw error;
    }
  }

  #prepareFor(id: ObjectId): void {
    const number = Number.parseInt(id.slice(0, 2), 16);
    if (this.#made[number] === 1) return;
    this.prepare();
    makeDirectory(`${this.directory}/${id.slice(0, 2)}`);
    this.#made[number] = 1;
  }
}

/** The 256 names of directories below `objects`, in order. */
export const OBJECT_DIRECTORIES: readonly string[] = Array.from({ length: 256 }, (_, number) => number.toString(16).padStart(2, '0'));

/** Names in one of the directories below `objects`, sorted, as they are: not all of them need be objects. Missing is empty. */
export function namesIn(objects: string, directory: string): readonly string[] {
  try {
    return readdirSync(join(objects, directory)).toSorted();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

/** The id of what is called `name` there; undefined if the name is none of an object. */
export function idOf(directory: string, name: string, algorithm: Algorithm): ObjectId | undefined {
  try {
    return parseObjectName(Number.parseInt(directory, 16), name, algorithm);
  } catch (error) {
    if (hasCode(error, 'INVALID_STRING_LENGTH', 'INVALID_HEX_CHARACTER')) return undefined;
    throw error;
  }
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, 0o755);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
}
