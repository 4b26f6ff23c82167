import { digestAlgorithm, type Descriptor } from '@cfskit/oci-spec';
import type { Endpoint } from './endpoint.ts';
import { RegistryError } from './errors.ts';
import type { HttpResponse } from './http.ts';
import { repositoryScope } from './scope.ts';
import type { Session } from './session.ts';

/**
 * Whether the registry has a blob of this digest and size. A registry that sends us on to its storage, which then will not answer a `HEAD`
 * (links are signed for one method), counts as not having it: then the blob is pushed once more.
 */
export async function hasBlob(
  session: Session,
  endpoint: Endpoint,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
  signal: AbortSignal | undefined,
  scopes: readonly string[] = [repositoryScope(endpoint.repository, 'pull')],
): Promise<boolean> {
  digestAlgorithm(digest); // before it becomes part of a URL
  const response = await head(session, endpoint, digest, scopes, signal);
  response?.discard();
  const length = response?.headers['content-length'];
  return response?.status === 200 && (length === undefined || length === String(size));
}

async function head(
  session: Session,
  endpoint: Endpoint,
  digest: string,
  scopes: readonly string[],
  signal: AbortSignal | undefined,
): Promise<HttpResponse | undefined> {
  const target = `${endpoint.repository}/blobs/${digest}`;
  try {
    const call = { endpoint, method: 'HEAD', target, scopes, expect: [200, 404], digest } as const;
    return (await session.send({ ...call, ...(signal !== undefined && { signal }) })).response;
  } catch (error) {
    const isOfStorage = error instanceof RegistryError && error.status !== undefined && error.registry !== endpoint.host;
    if (!isOfStorage) throw error;
    return undefined;
  }
}
