import { isWebPage } from './body.ts';
import { parseChallenges } from './challenge.ts';
import type { Endpoint } from './endpoint.ts';
import { RegistryError } from './errors.ts';
import { oneLine, publicUrl } from './foreign-text.ts';
import type { Answer } from './redirect.ts';
import type { Session } from './session.ts';

/** What answers under the name of a registry. */
export interface Ping {
  /** Scheme, host and port. */
  readonly url: string;
  /** Whether it wants a login before it says more. Many do, and then give out public images to anybody. */
  readonly wantsLogin: boolean;
  /** `bearer`, `basic`; what it wants a login by. */
  readonly schemes: readonly string[];
}

/**
 * `GET /v2/`, without credentials.
 *
 * @throws {RegistryError} NOT_A_REGISTRY, PLAIN_HTTP, TLS, CONNECTION, …
 */
export async function ping(session: Session, endpoint: Endpoint, signal: AbortSignal | undefined): Promise<Ping> {
  const answer = await session.send({ ...call(endpoint, signal), isAnonymous: true, expect: [200, 401, 404] });
  answer.response.discard();
  checkIsRegistry(answer, endpoint);
  const challenges = parseChallenges(answer.response.headers['www-authenticate'] ?? '');
  const wantsLogin = answer.response.status === 401;
  return { url: answer.url.origin, wantsLogin, schemes: wantsLogin ? challenges.map(({ scheme }) => oneLine(scheme)) : [] };
}

/**
 * `GET /v2/` with credentials, to see whether they are good.
 *
 * @throws {RegistryError} UNAUTHORIZED, DENIED if they are not, and those of {@link ping}
 */
export async function authenticate(session: Session, endpoint: Endpoint, signal: AbortSignal | undefined): Promise<void> {
  const answer = await session.send({ ...call(endpoint, signal), expect: [200, 404] });
  answer.response.discard();
  checkIsRegistry(answer, endpoint);
}

function call(endpoint: Endpoint, signal: AbortSignal | undefined): Omit<Parameters<Session['send']>[0], 'expect'> {
  return { endpoint, method: 'GET', target: '', scopes: [], ...(signal !== undefined && { signal }) };
}

function checkIsRegistry({ response, url }: Answer, { host: registry }: Endpoint): void {
  const { status, headers } = response;
  const saysSo = headers['docker-distribution-api-version'] !== undefined || (status === 401 && headers['www-authenticate'] !== undefined);
  if (status !== 404 && (saysSo || (status === 200 && !isWebPage(response)))) return;
  const found = isWebPage(response) ? 'a web page' : `status ${status}`;
  throw new RegistryError('NOT_A_REGISTRY', `wanted a registry at ${publicUrl(url)}, found ${found}`, {
    registry,
    url: publicUrl(url),
    status,
  });
}
