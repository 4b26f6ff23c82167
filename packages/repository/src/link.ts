import { lstatSync, mkdirSync, readlinkSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, RepositoryError } from './errors.ts';
import { LINK_PREFIX, NAME_ATTEMPTS, temporaryName } from './temporary-name.ts';

/**
 * Text of the link at `path` that leads to `target`, both relative to the root: what the two have in common is left out, and the rest of
 * the way up is `..`.
 */
export function relativeTarget(path: string, target: string): string {
  const from = path.split('/').slice(0, -1);
  const to = target.split('/');
  let common = 0;
  while (common < from.length && common < to.length - 1 && from[common] === to[common]) common++;
  return [...from.slice(common).map(() => '..'), ...to.slice(common)].join('/');
}

/**
 * Make `path` a link to `target`, both relative to `root`, in one step: a link with another text is replaced by a rename, one with the
 * right text is left alone. Missing directories on the way are made.
 *
 * @throws {RepositoryError} UNEXPECTED_FILE_TYPE if something other than a link is there
 */
export function placeLink(root: string, path: string, target: string): void {
  const text = relativeTarget(path, target);
  makeParents(root, path);
  if (tryLink(text, join(root, path)) || readLink(root, path) === text) return;
  replaceLink(root, path, text);
}

/**
 * Text of the link at `path`, relative to `root`.
 *
 * @returns undefined if there is nothing
 * @throws {RepositoryError} UNEXPECTED_FILE_TYPE if it is no link
 */
export function readLink(root: string, path: string): string | undefined {
  try {
    return readlinkSync(join(root, path));
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return undefined;
    if (hasCode(cause, 'EINVAL')) throw new RepositoryError('UNEXPECTED_FILE_TYPE', path, `${path} is not a symbolic link`, { cause });
    throw cause;
  }
}

/**
 * Remove the link at `path`, relative to `root`.
 *
 * @returns whether there was one
 * @throws {RepositoryError} UNEXPECTED_FILE_TYPE if it is no link
 */
export function removeLink(root: string, path: string): boolean {
  if (readLink(root, path) === undefined) return false;
  unlinkSync(join(root, path));
  return true;
}

/** One level after the other, and never through a link: references are below real directories. */
function makeParents(root: string, path: string): void {
  const components = path.split('/').slice(0, -1);
  for (let depth = 1; depth <= components.length; depth++) {
    const parent = components.slice(0, depth).join('/');
    if (!isDirectory(join(root, parent))) throw new RepositoryError('UNEXPECTED_FILE_TYPE', parent, `${parent} is not a directory`);
  }
}

function isDirectory(path: string): boolean {
  try {
    mkdirSync(path, 0o755);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return lstatSync(path).isDirectory();
    throw error;
  }
}

function tryLink(text: string, path: string): boolean {
  try {
    symlinkSync(text, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** The new link gets a name in the root first, where collection finds it if we die before the rename. */
function replaceLink(root: string, path: string, text: string): void {
  const temporary = linkTemporary(root, text);
  try {
    renameSync(temporary, join(root, path));
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  }
}

function linkTemporary(root: string, text: string): string {
  for (let attempt = 1; ; attempt++) {
    const path = join(root, temporaryName(LINK_PREFIX));
    if (tryLink(text, path)) return path;
    if (attempt === NAME_ATTEMPTS) throw new RepositoryError('INVALID_LINK', LINK_PREFIX, `no free name for a temporary link in ${root}`);
  }
}
