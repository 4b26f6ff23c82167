import { decodeTag } from '@cfskit/oci-ref';
import type { GcOptions, GcResult, Ref, Repository } from '@cfskit/repository';

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
 * @throws {RepositoryError} as `Repository.gc`
 */
export async function collectGarbage(repository: Repository, options: GcOptions = {}): Promise<OciGcResult> {
  let referrersRemoved = 0;
  const letGo = (refs: readonly Ref[]): readonly string[] => {
    const orphans = orphanedReferrers(refs, options.roots ?? []).map(({ ref }) => ref);
    referrersRemoved = orphans.length;
    return orphans;
  };
  const result = await repository.gc({ ...options, letGo });
  return { ...result, referrersRemoved };
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
