import { configRefName } from '@cfskit/oci-ref';
import { RepositoryError } from '@cfskit/repository';
import type { Repository } from '@cfskit/repository';
import { CONTENT_TYPE } from '@cfskit/splitstream';
import type { Splitstream } from '@cfskit/splitstream';
import { manifestStreamName } from './image-streams.ts';
import { streamDigests } from './stream-names.ts';

/** Which stored manifests name which config, by digests: several may share one. */
export type ManifestsByConfig = ReadonlyMap<string, readonly string[]>;

const CONFIG_REF = configRefName('');

/** Looks into every stored manifest for the config that it names. No JSON is read. Manifests that cannot be read are left out. */
export async function manifestsByConfig(repository: Repository): Promise<ManifestsByConfig> {
  const manifests = new Map<string, string[]>();
  for (const digest of streamDigests(repository, 'manifest')) {
    const stream = await openManifestStream(repository, digest);
    for (const ref of stream?.namedRefs.keys() ?? []) {
      if (ref.startsWith(CONFIG_REF)) append(manifests, ref.slice(CONFIG_REF.length), digest);
    }
  }
  return manifests;
}

/** The stream of a manifest; undefined if there is none that can be read. */
export async function openManifestStream(repository: Repository, digest: string): Promise<Splitstream | undefined> {
  const id = repository.hasStream(manifestStreamName(digest).contentId);
  if (id === undefined) return undefined;
  try {
    return await repository.openStream({ id }, { contentType: CONTENT_TYPE.manifest });
  } catch (error) {
    if (error instanceof RepositoryError && UNREADABLE.has(error.code)) return undefined;
    throw error;
  }
}

const UNREADABLE: ReadonlySet<string> = new Set(['INVALID_STREAM', 'CORRUPT_OBJECT', 'VERITY_MISSING', 'NOT_FOUND']);

function append(map: Map<string, string[]>, key: string, value: string): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}
