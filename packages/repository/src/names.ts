import { RepositoryError } from './errors.ts';

/** The two kinds of named things in a repository, as the names of their directories. */
export type Category = 'images' | 'streams';

/**
 * Content id of a stream: the name of its link in `streams/`. One path component, not `refs`.
 *
 * @throws {RepositoryError} INVALID_NAME
 */
export function checkContentId(contentId: string): void {
  if (contentId === 'refs') throw invalid('content id', contentId, `'refs' is taken`);
  if (contentId.includes('/')) throw invalid('content id', contentId, 'it contains a slash');
  checkComponent('content id', contentId, contentId);
}

/**
 * Name of a reference: one or more path components below `refs/`.
 *
 * @throws {RepositoryError} INVALID_NAME
 */
export function checkRefName(name: string): void {
  for (const component of name.split('/')) checkComponent('reference name', name, component);
}

/** A prefix for listing references: empty, or like a reference name, perhaps with a slash at its end. */
export function checkRefPrefix(prefix: string): void {
  if (prefix !== '') checkRefName(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix);
}

function checkComponent(what: string, whole: string, component: string): void {
  if (component === '') throw invalid(what, whole, whole === '' ? 'it is empty' : 'a component is empty');
  if (component === '.' || component === '..') throw invalid(what, whole, `it contains '${component}'`);
  if (component.includes('\0')) throw invalid(what, whole, 'it contains a NUL');
  // A lone surrogate has no UTF-8 form: it would be stored as another name than the one given.
  if (!component.isWellFormed()) throw invalid(what, whole, 'it is not well-formed Unicode');
  if (Buffer.byteLength(component) > MAX_COMPONENT) throw invalid(what, whole, `a component has more than ${MAX_COMPONENT} bytes`);
}

function invalid(what: string, name: string, why: string): RepositoryError {
  const shown = name.length > 300 ? `${name.slice(0, 300)}…` : name;
  return new RepositoryError('INVALID_NAME', shown, `invalid ${what} ${JSON.stringify(shown)}: ${why}`);
}

/** NAME_MAX of Linux, in bytes. */
const MAX_COMPONENT = 255;
