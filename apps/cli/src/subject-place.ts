import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CliError, UsageError } from '@cfskit/cli-kit';
import { listTags, OciImportError, resolveStoredReference } from '@cfskit/oci-import';
import { OciRefError } from '@cfskit/oci-ref';
import type { Repository } from '@cfskit/repository';
import { tooShortHint } from './digest-prefix.ts';
import { findImageName, parseImageName } from './image-name.ts';
import { notFound } from './near-names.ts';

/** How the help describes a tree that may be stored or be a file. */
export const REF_TEXT: string =
  'Stored OCI image or EROFS image, or the path of an image file; stored:NAME is always stored, ./NAME always a path';

/** What a name turned out to be. */
export type SubjectPlace =
  /** A stored OCI image, by tag or digest. */
  | { readonly kind: 'oci-image'; readonly reference: string }
  /** A stored EROFS image, by a name that the repository knows. */
  | { readonly kind: 'image'; readonly name: string }
  /** Something on this machine. */
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'image-file' | 'dumpfile'; readonly path: string };

const STORED = 'stored:';
/** An absolute path, or one that says where it begins. */
const PATH = /^(\.{0,2}\/|\.{1,2}$)/;

/**
 * Check what was typed for a subject, before anything is opened.
 *
 * @param what how the help calls the argument
 * @throws {UsageError}
 */
export function checkSubjectName(text: string, what = 'REF'): void {
  if (text === '') throw new UsageError(`${what}: the name is empty`);
}

/**
 * Find out what a name means: what is stored comes first, a tag before an image, and then what is on this machine.
 *
 * @param repository nothing is stored without one
 * @throws {CliError} NOT_FOUND with near names, UNSUPPORTED for a file that is neither image nor dumpfile;
 *   {OciImportError} AMBIGUOUS. Node's own errors.
 */
export async function locateSubject(text: string, repository: Repository | undefined, cwd: string): Promise<SubjectPlace> {
  const stored = text.startsWith(STORED) ? text.slice(STORED.length) : text;
  if (repository !== undefined && (stored !== text || !PATH.test(text))) {
    const place = findStored(stored, repository);
    if (place !== undefined) return place;
  }
  if (stored === text) {
    const place = await findFile(resolve(cwd, text));
    if (place !== undefined) return place;
  }
  const names = repository === undefined ? [] : storedNames(repository);
  throw notFound(missingMessage(text, stored !== text || !PATH.test(text), repository), stored, names);
}

function missingMessage(text: string, mayBeStored: boolean, repository: Repository | undefined): string {
  if (!mayBeStored) return `no such file or directory: ${text}`;
  if (repository === undefined) return `not found: ${text} is no file, and there is no repository to look in`;
  return `not found: ${text} is neither stored in ${repository.path} nor a file; an image of a registry or layout has to be pulled first${tooShortHint(text)}`;
}

function findStored(text: string, repository: Repository): SubjectPlace | undefined {
  try {
    resolveStoredReference(repository, text);
    return { kind: 'oci-image', reference: text };
  } catch (error) {
    if (!(error instanceof OciRefError) && !(error instanceof OciImportError && error.code === 'NOT_FOUND')) throw error;
  }
  try {
    return { kind: 'image', name: findImageName(repository, parseImageName(text, 'REF')) };
  } catch (error) {
    if (error instanceof UsageError || (error instanceof CliError && error.code === 'NOT_FOUND')) return undefined;
    throw error;
  }
}

function storedNames(repository: Repository): string[] {
  const images = repository.images().flatMap(({ refs }) => refs.map((name) => `refs/${name}`));
  return [...listTags(repository).map(({ name }) => name), ...images];
}

async function findFile(path: string): Promise<SubjectPlace | undefined> {
  const found = await stat(path).catch(undefinedIfMissing);
  if (found === undefined) return undefined;
  if (found.isDirectory()) return { kind: 'directory', path };
  const kind = kindOfFile(await readHead(path));
  if (kind === undefined) throw new CliError('UNSUPPORTED', `${path} is neither a composefs image nor a dumpfile`);
  return { kind, path };
}

const MAGIC = Uint8Array.of(0x9a, 0x62, 0x78, 0xd0);

/** A composefs image begins with a number of its own, and a dumpfile with the path of the root. */
function kindOfFile(head: Uint8Array): 'image-file' | 'dumpfile' | undefined {
  if (MAGIC.every((byte, index) => head[index] === byte)) return 'image-file';
  return head[0] === 0x2f && head[1] === 0x20 ? 'dumpfile' : undefined;
}

async function readHead(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(MAGIC.length), 0, MAGIC.length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function undefinedIfMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'ENAMETOOLONG'))
    return undefined;
  throw error;
}
