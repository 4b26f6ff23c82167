import { objectPath, parseObjectPath, type Algorithm, type ObjectId } from '@cfskit/fs-verity';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, messageOf, RepositoryError } from './errors.ts';
import { placeLink, readLink } from './link.ts';
import { checkContentId, checkRefName, type Category } from './names.ts';
import type { RepositoryContext } from './context.ts';

/** What a first-level link of `images/` or `streams/` says: the object it leads to. */
export function linkedObject(text: string, path: string, algorithm: Algorithm): ObjectId {
  try {
    return parseObjectPath(text, algorithm);
  } catch (cause) {
    const message = `Reading symlink hash value from ${JSON.stringify(path)}: Parsing object ID from symlink target: ${messageOf(cause)}`;
    throw new RepositoryError('INVALID_LINK', path, message, { cause });
  }
}

/**
 * The object that a stream's name leads to, if it is there. A link whose object is gone counts as none: the stream can be stored again.
 *
 * @throws {RepositoryError} INVALID_NAME, INVALID_LINK, UNEXPECTED_FILE_TYPE
 */
export function findStream({ path, algorithm, objects }: RepositoryContext, contentId: string): ObjectId | undefined {
  checkContentId(contentId);
  const name = `streams/${contentId}`;
  const text = readLink(path, name);
  if (text === undefined) return undefined;
  if (!text.startsWith('../')) throw new RepositoryError('INVALID_LINK', name, `stream symlink has incorrect prefix: ${name} -> ${text}`);
  const id = linkedObject(text, name, algorithm);
  return objects.hasSync(id) ? id : undefined;
}

/**
 * Follow `streams/<name>` to an object, where the name is a content id or `refs/` and a reference's name.
 *
 * @throws {RepositoryError} NOT_FOUND, INVALID_NAME, INVALID_LINK
 */
export function resolveStream({ path, algorithm }: RepositoryContext, name: string): ObjectId {
  if (name.startsWith('refs/')) checkRefName(name.slice('refs/'.length));
  else checkContentId(name);
  return followLink(path, `streams/${name}`, algorithm);
}

/**
 * Follow links from `name`, relative to `root`, to an object.
 *
 * @throws {RepositoryError} NOT_FOUND, INVALID_LINK
 */
export function followLink(root: string, name: string, algorithm: Algorithm): ObjectId {
  try {
    return linkedObject(realpathSync.native(join(root, name)), name, algorithm);
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT', 'ENOTDIR')) throw cause;
    throw new RepositoryError('NOT_FOUND', name, `Opening ref '${name}': no such ${name.startsWith('images') ? 'image' : 'stream'}`, {
      cause,
    });
  }
}

/** Whether a first-level name leads to this object already. */
export function isLinkedTo(root: string, category: Category, name: string, id: ObjectId): boolean {
  return readLink(root, `${category}/${name}`) === `../objects/${objectPath(id)}`;
}

/** `streams/<content id>` or `images/<hex id>` → the object. */
export function linkObject(root: string, category: Category, name: string, id: ObjectId): void {
  placeLink(root, `${category}/${name}`, `objects/${objectPath(id)}`);
}

/** `…/refs/<name>` → first-level name. */
export function linkRef(root: string, category: Category, ref: string, target: string): void {
  placeLink(root, `${category}/refs/${ref}`, `${category}/${target}`);
}
