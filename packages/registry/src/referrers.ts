import { mediaTypes, OciSpecError, parseDigest, parseIndex, type Descriptor } from '@cfskit/oci-spec';
import type { Endpoint } from './endpoint.ts';
import { RegistryError } from './errors.ts';
import { mediaTypeOf } from './body.ts';
import { oneLine, publicUrl } from './foreign-text.ts';
import { pages, type Page } from './link.ts';
import { fetchManifest } from './manifest.ts';
import { repositoryScope } from './scope.ts';
import type { Session } from './session.ts';

/** Which referrers are wanted. */
export interface ListReferrersOptions {
  /** Only those of this type. */
  readonly artifactType?: string;
  readonly signal?: AbortSignal;
}

/**
 * The manifests whose `subject` is `digest`: by `GET /v2/<name>/referrers/<digest>`, or from the index under the fallback tag where the
 * registry does not know that request. Filtered here, unless the registry says that it has done so.
 *
 * @throws {RegistryError} {OciSpecError} a list that is none
 */
export async function listReferrers(
  session: Session,
  endpoint: Endpoint,
  digest: string,
  options: ListReferrersOptions,
): Promise<readonly Descriptor[]> {
  const found = await fromApi(session, endpoint, digest, options);
  return found ?? ofType(await fromFallbackTag(session, endpoint, digest, options.signal), options.artifactType);
}

function ofType(entries: readonly Descriptor[], artifactType: string | undefined): readonly Descriptor[] {
  return artifactType === undefined ? entries : entries.filter((entry) => entry.artifactType === artifactType);
}

/** The tag that stands in for the referrers request: `sha256-<hex>`. */
export function fallbackTag(digest: string): string {
  const { algorithm, encoded } = parseDigest(digest);
  return `${algorithm.slice(0, 32)}-${encoded.slice(0, 64)}`;
}

async function fromApi(
  session: Session,
  endpoint: Endpoint,
  digest: string,
  { artifactType, signal }: ListReferrersOptions,
): Promise<readonly Descriptor[] | undefined> {
  parseDigest(digest); // before it becomes part of a URL
  const query = artifactType === undefined ? '' : `?${new URLSearchParams({ artifactType }).toString()}`;
  const found: Descriptor[] = [];
  const list = pages(session, {
    endpoint,
    method: 'GET',
    target: `${endpoint.repository}/referrers/${digest}${query}`,
    headers: { accept: mediaTypes.index },
    scopes: [repositoryScope(endpoint.repository, 'pull')],
    expect: [200, 404, 405],
    digest,
    ...(signal !== undefined && { signal }),
  });
  for await (const page of list) {
    if (page.bytes === undefined) return undefined;
    const isFiltered = (page.headers['oci-filters-applied'] ?? '').split(/\s*,\s*/).includes('artifactType');
    found.push(...ofType(readIndex(page, page.bytes, endpoint), isFiltered ? undefined : artifactType));
  }
  return found;
}

function readIndex(page: Page, bytes: Uint8Array, { host: registry, repository }: Endpoint): readonly Descriptor[] {
  const type = mediaTypeOf(page);
  if (type === mediaTypes.index || type === 'application/json' || type === '') return parseIndex(bytes).manifests;
  const message = `GET ${publicUrl(page.url)}: wanted an image index, found ${oneLine(type)}`;
  throw new RegistryError('BAD_RESPONSE', message, { registry, repository, url: publicUrl(page.url), status: page.status });
}

async function fromFallbackTag(
  session: Session,
  endpoint: Endpoint,
  digest: string,
  signal: AbortSignal | undefined,
): Promise<readonly Descriptor[]> {
  try {
    const fetched = await fetchManifest(session, { endpoint, reference: fallbackTag(digest), ...(signal !== undefined && { signal }) });
    if (fetched.kind === 'index') return fetched.index.manifests;
    throw new OciSpecError('UNEXPECTED_MEDIA_TYPE', `wanted an index of referrers, found a manifest: ${fetched.descriptor.digest}`);
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'MANIFEST_UNKNOWN') return [];
    throw error;
  }
}
