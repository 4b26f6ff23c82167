import { digestAlgorithm, digestOf, mediaTypes, parseJson, type Descriptor } from '@cfskit/oci-spec';
import type { RegistryName } from '@cfskit/oci-ref';
import type { Endpoint } from './endpoint.ts';
import { RegistryError } from './errors.ts';
import { decideMediaType, fetchManifest, toFetched, type FetchedManifest } from './manifest.ts';
import { fallbackTag } from './referrers.ts';
import { repositoryScope } from './scope.ts';
import type { Session } from './session.ts';
import { checkStored } from './stored-digest.ts';

/** How a manifest is pushed. */
export interface PushManifestOptions {
  /** If not said, the document's own. */
  readonly mediaType?: string;
  readonly signal?: AbortSignal;
}

const UPDATE_TRIES = 3;

/**
 * `PUT` a manifest or index, byte for byte, under the tag of `name`, or under its digest where the name has no tag. If it has a `subject` and the
 * registry does not keep track of those itself, the index under the subject's fallback tag is updated too.
 *
 * @throws {RegistryError} REJECTED if a blob is missing; its digest is in `errors`
 */
export async function pushManifest(
  session: Session,
  endpoint: Endpoint,
  name: Pick<RegistryName, 'tag' | 'digest'>,
  raw: Uint8Array,
  options: PushManifestOptions,
): Promise<Descriptor> {
  const fetched = parseForPush(raw, endpoint, name.digest, options.mediaType);
  const isTracked = await put(session, endpoint, name.tag ?? fetched.descriptor.digest, fetched, options.signal);
  const subject = fetched.kind === 'index' ? fetched.index.subject : fetched.manifest.subject;
  if (subject !== undefined && !isTracked) await addReferrer(session, endpoint, subject, referrerOf(fetched), options.signal);
  return fetched.descriptor;
}

function parseForPush(
  raw: Uint8Array,
  { host: registry, repository }: Endpoint,
  digest: string | undefined,
  mediaType = '',
): FetchedManifest {
  const type = decideMediaType(mediaType, raw, { registry, repository, url: 'the manifest to be pushed' });
  const actual = digestOf(raw, digest === undefined ? 'sha256' : digestAlgorithm(digest));
  if (digest !== undefined && digest !== actual) {
    throw new RangeError(`wanted a manifest of digest ${digest}, found ${actual}`);
  }
  return toFetched(raw, actual, type);
}

/** @returns whether the registry keeps track of subjects */
async function put(
  session: Session,
  endpoint: Endpoint,
  reference: string,
  { descriptor, raw }: FetchedManifest,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const answer = await session.send({
    endpoint,
    method: 'PUT',
    target: `${endpoint.repository}/manifests/${reference}`,
    headers: { 'content-type': descriptor.mediaType, 'content-length': String(raw.byteLength) },
    body: () => raw,
    scopes: [repositoryScope(endpoint.repository, 'pull', 'push')],
    expect: [201],
    notFound: 'NAME_UNKNOWN',
    digest: descriptor.digest,
    ...(signal !== undefined && { signal }),
  });
  answer.response.discard();
  checkStored(answer, descriptor.digest, endpoint);
  return answer.response.headers['oci-subject'] !== undefined;
}

/** The entry of a list of referrers. */
function referrerOf(fetched: FetchedManifest): Descriptor {
  const document = fetched.kind === 'index' ? fetched.index : fetched.manifest;
  const artifactType = document.artifactType ?? (fetched.kind === 'manifest' ? fetched.manifest.config.mediaType : undefined);
  return {
    ...fetched.descriptor,
    ...(artifactType !== undefined && { artifactType }),
    ...(document.annotations !== undefined && { annotations: document.annotations }),
  };
}

/** Add an entry to the index under the fallback tag. It is read again afterwards, for another writer may have replaced it at the same time. */
async function addReferrer(
  session: Session,
  endpoint: Endpoint,
  subject: Descriptor,
  entry: Descriptor,
  signal: AbortSignal | undefined,
): Promise<void> {
  const tag = fallbackTag(subject.digest);
  for (let i = 0; i < UPDATE_TRIES; i++) {
    const current = await currentReferrers(session, endpoint, tag, signal);
    if (current.entries.some(({ digest }) => digest === entry.digest)) return;
    const raw = new TextEncoder().encode(JSON.stringify({ ...current.document, manifests: [...current.manifests, entry] }));
    await put(session, endpoint, tag, toFetched(raw, digestOf(raw), mediaTypes.index), signal);
  }
  const now = await currentReferrers(session, endpoint, tag, signal);
  if (now.entries.some(({ digest }) => digest === entry.digest)) return;
  const message = `the list of referrers under ${tag} is being changed by others: ${entry.digest} is stored, but not listed`;
  throw new RegistryError('REJECTED', message, { registry: endpoint.host, repository: endpoint.repository, digest: entry.digest });
}

interface Referrers {
  /** With members that we do not know. */
  readonly document: object;
  readonly manifests: readonly unknown[];
  readonly entries: readonly Descriptor[];
}

async function currentReferrers(session: Session, endpoint: Endpoint, tag: string, signal: AbortSignal | undefined): Promise<Referrers> {
  try {
    const fetched = await fetchManifest(session, { endpoint, reference: tag, ...(signal !== undefined && { signal }) });
    if (fetched.kind === 'index') {
      const document = parseJson(fetched.raw) as { readonly manifests: readonly unknown[] };
      return { document, manifests: document.manifests, entries: fetched.index.manifests };
    }
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== 'MANIFEST_UNKNOWN') throw error;
    return { document: { schemaVersion: 2, mediaType: mediaTypes.index }, manifests: [], entries: [] };
  }
  const message = `the tag ${tag} belongs to referrers, but stands on a manifest`;
  throw new RegistryError('MEDIA_TYPE_MISMATCH', message, { registry: endpoint.host, repository: endpoint.repository });
}
