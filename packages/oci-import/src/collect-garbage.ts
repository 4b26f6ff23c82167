import { objectPath } from '@cfskit/fs-verity';
import { decodeTag } from '@cfskit/oci-ref';
import { RepositoryError } from '@cfskit/repository';
import type { GcOptions, GcResult, Ref, Repository } from '@cfskit/repository';
import { isDamage } from './layer-damage.ts';

/** What a collection came to, entries of referrers included. */
export interface OciGcResult extends GcResult {
  /** entries whose subject nothing keeps; a dry run only counts them */
  readonly referrersRemoved: number;
}

/** An artifact that is kept as long as its subject is. */
interface Referrer {
  readonly ref: string;
  readonly subject: string;
  readonly artifact: string;
}

const REFERRERS = 'oci-referrers/';

/**
 * Collects garbage, and lets go of the artifacts of subjects that go with it: an artifact is kept by its own tag, or by
 * a subject that is kept. The reference keeps it until somebody cleans up by hand and collects a second time.
 *
 * Waits for pulls of this process and for other processes that have the repository open.
 *
 * @throws {RepositoryError} as `Repository.gc`; where it is about a damaged object, the message says what has it and what to do
 */
export async function collectGarbage(repository: Repository, options: GcOptions = {}): Promise<OciGcResult> {
  let referrersRemoved = 0;
  const letGo = (refs: readonly Ref[]): readonly string[] => {
    const orphans = orphanedReferrers(refs, options.roots ?? []).map(({ ref }) => ref);
    referrersRemoved = orphans.length;
    return orphans;
  };
  try {
    return { ...(await repository.gc({ ...options, letGo })), referrersRemoved };
  } catch (error) {
    throw isDamage(error) ? withRemedy(repository, error) : error;
  }
}

/** Nothing is collected while what is in use cannot be read: whatever it refers to would be lost. */
function withRemedy(repository: Repository, cause: RepositoryError): RepositoryError {
  const names = repository.streams().filter(({ id }) => cause.path.endsWith(objectPath(id)) || cause.path.endsWith(id));
  const place = [cause.path, ...names.map(({ contentId }) => `streams/${contentId}`)].join(', ');
  const remedy = 'nothing is collected; pull its image again (fsck tells which one), or remove the tags of that image';
  return new RepositoryError(cause.code, cause.path, `${place} is in use and damaged or missing: ${remedy}. ${cause.message}`, { cause });
}

function orphanedReferrers(refs: readonly Ref[], roots: readonly string[]): readonly Referrer[] {
  const kept = new Set([...roots, ...refs.filter(({ name }) => !name.startsWith(REFERRERS)).map(({ target }) => lastComponent(target))]);
  let waiting = refs.filter(({ name }) => name.startsWith(REFERRERS)).map(toReferrer);
  for (;;) {
    const reached = waiting.filter(({ subject }) => kept.has(subject));
    if (reached.length === 0) return waiting;
    for (const { artifact } of reached) kept.add(artifact);
    waiting = waiting.filter(({ subject }) => !kept.has(subject));
  }
}

function toReferrer({ name, target }: Ref): Referrer {
  const subject = decodeTag(name.split('/')[1] ?? '');
  return { ref: name, subject: `oci-manifest-${subject}`, artifact: lastComponent(target) };
}

function lastComponent(target: string): string {
  return target.slice(target.lastIndexOf('/') + 1);
}
