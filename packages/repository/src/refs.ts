import { readlinkSync, statSync } from 'node:fs';
import { walk } from './directory.ts';
import { removeLink } from './link.ts';
import { checkRefName, checkRefPrefix, type Category } from './names.ts';

/** A requested name: a root of garbage collection. */
export interface Ref {
  /** Relative to the prefix that was listed, with `/` between levels. */
  readonly name: string;
  /** Text of the link. */
  readonly target: string;
}

/**
 * The references below `refs/<prefix>`, in the order of their paths. Names that are not UTF-8, and what is no link, are left out.
 *
 * @throws {RepositoryError} INVALID_NAME
 */
export function listRefs(root: string, prefix: string, category: Category): readonly Ref[] {
  checkRefPrefix(prefix);
  const directory = `${category}/refs${prefix === '' ? '' : `/${prefix.replace(/\/$/, '')}`}`;
  // A prefix may also be the name of a reference: there is nothing below it.
  if (statSync(`${root}/${directory}`, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  const refs: Ref[] = [];
  for (const { kind, path, file } of walk(root, directory)) {
    if (kind !== 'Symlink' || !Buffer.from(`${root}/${path}`).equals(file)) continue;
    refs.push({ name: path.slice(directory.length + 1), target: readlinkSync(file, 'utf8') });
  }
  return refs;
}

/**
 * Remove a reference. What it named stays until collection.
 *
 * @returns whether there was one
 * @throws {RepositoryError} INVALID_NAME, UNEXPECTED_FILE_TYPE
 */
export function removeRef(root: string, name: string, category: Category): boolean {
  checkRefName(name);
  return removeLink(root, `${category}/refs/${name}`);
}

/** The first-level entry that a reference means: the last component of its text. */
export function refTarget(text: string): string {
  return text.slice(text.lastIndexOf('/') + 1);
}
