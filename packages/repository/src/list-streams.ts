import type { ObjectId } from '@cfskit/fs-verity';
import type { RepositoryContext } from './context.ts';
import { firstLevel } from './directory.ts';
import { hasCode } from './errors.ts';
import { findStream } from './names-on-disk.ts';
import { listRefs, refTarget } from './refs.ts';

/** A stream of the repository. */
export interface StreamEntry {
  readonly contentId: string;
  readonly id: ObjectId;
  /** Names of the references to it, in the order of their paths. */
  readonly refs: readonly string[];
}

/** All streams, in the order of their content ids, with the references to each. Names that lead to nothing, or to no object, are left out. */
export function listStreams(context: RepositoryContext): readonly StreamEntry[] {
  const refs = Map.groupBy(listRefs(context.path, '', 'streams'), ({ target }) => refTarget(target));
  return firstLevel(context.path, 'streams').flatMap(({ kind, name }) => {
    const id = kind === 'Symlink' && name !== undefined ? find(context, name) : undefined;
    return id === undefined ? [] : [{ contentId: name ?? '', id, refs: refs.get(name ?? '')?.map((ref) => ref.name) ?? [] }];
  });
}

function find(context: RepositoryContext, name: string): ObjectId | undefined {
  try {
    return findStream(context, name);
  } catch (error) {
    if (hasCode(error, 'INVALID_LINK')) return undefined;
    throw error;
  }
}
