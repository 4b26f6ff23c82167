import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CliError, UsageError } from '@cfskit/cli-kit';
import { FsVerityError, parseObjectId, parseObjectPath, type ObjectId } from '@cfskit/fs-verity';
import type { Repository } from '@cfskit/repository';
import { MIN_PREFIX } from './digest-prefix.ts';

const PATH = /^[0-9a-f]{2}\/[0-9a-f]+$/;
const PREFIX = /^[0-9a-f]{12,127}$/;
const CANDIDATES = 10;

/** An object as it was typed: the whole id, or hex digits that one begins with. 64 digits alone may be either. */
export interface ObjectName {
  readonly id?: ObjectId;
  readonly prefix?: string;
}

/**
 * Understand an object's name: full hex, `algorithm:hex`, `xx/rest`, or at least 12 hex digits that it begins with.
 *
 * @throws {UsageError}
 */
function parseObjectName(text: string): ObjectName {
  const prefix = PREFIX.test(text) ? { prefix: text } : {};
  if (prefix.prefix !== undefined && text.length !== 64) return prefix;
  try {
    return PATH.test(text)
      ? { id: parseObjectPath(text, text.length === 65 ? 'sha256' : 'sha512') }
      : { ...prefix, id: parseObjectId(text) };
  } catch (cause) {
    if (!(cause instanceof FsVerityError)) throw cause;
    throw new UsageError(`ID: wanted ${WANTED}, found '${text}'`, { cause });
  }
}

const WANTED = `an object id: 64 or 128 hex digits, ${MIN_PREFIX} or more that one begins with, algorithm:hex, or xx/rest`;

/**
 * The id of an object of the repository.
 *
 * @throws {CliError} NOT_FOUND: there is none, or more than one begins with the digits; the message lists at most ten
 */
export async function resolveObject(repository: Repository, name: ObjectName): Promise<ObjectId> {
  const digits = repository.algorithm === 'sha256' ? 64 : 128;
  const { id, prefix } = name;
  if (id?.length === digits && repository.objects.hasSync(id)) return id;
  if (prefix !== undefined && prefix.length < digits) return onlyMatch(prefix, await matches(repository, prefix));
  const why = id?.length === digits ? '' : `: the objects of this repository have ${digits} hex digits (${repository.algorithm})`;
  throw new CliError('NOT_FOUND', `no object ${id ?? prefix}${why}`);
}

function onlyMatch(prefix: string, found: readonly ObjectId[]): ObjectId {
  const [only, second] = found;
  if (only === undefined) throw new CliError('NOT_FOUND', `no object begins with ${prefix}`);
  if (second === undefined) return only;
  const candidates = found.slice(0, CANDIDATES);
  throw new CliError('NOT_FOUND', `${found.length} objects begin with ${prefix}`, { detail: { candidates } });
}

async function matches(repository: Repository, prefix: string): Promise<ObjectId[]> {
  const directory = prefix.slice(0, 2);
  const names = await readdir(join(repository.path, 'objects', directory)).catch(nothingThere);
  return names
    .map((name) => directory + name)
    .filter((id) => id.startsWith(prefix))
    .toSorted();
}

function nothingThere(error: unknown): string[] {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
  throw error;
}

/** Parse all names first, so that a wrong one is wrong usage before the repository is opened. */
export function parseObjectNames(texts: readonly string[]): ObjectName[] {
  if (texts.some((text) => text === '')) throw new UsageError('ID: an object id is empty');
  return texts.map(parseObjectName);
}
