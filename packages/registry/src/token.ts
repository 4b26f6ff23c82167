import { OciSpecError, parseJson } from '@cfskit/oci-spec';
import { readBody } from './body.ts';
import type { Challenge } from './challenge.ts';
import type { Clock } from './clock.ts';
import { basicAuthorization, type Credentials } from './credentials.ts';
import { RegistryError } from './errors.ts';
import { publicUrl } from './foreign-text.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import { checkRealm } from './realm.ts';
import { responseError } from './response-error.ts';
import { mergeScopes, splitScopes } from './scope.ts';

/** A bearer token, and until when it is good (milliseconds since 1970). */
export interface Token {
  readonly value: string;
  readonly expires: number;
}

/** What a token is asked with. */
export interface TokenRequest {
  readonly challenge: Challenge;
  /** The registry that sent the challenge. */
  readonly registry: URL;
  readonly scopes: readonly string[];
  readonly credentials: Credentials | undefined;
  readonly trustedRealms: readonly string[];
  /** Sends one request, follows no redirect. */
  readonly send: (request: HttpRequest) => Promise<HttpResponse>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const MAX_ANSWER = 1024 * 1024;
const CLIENT_ID = 'cfskit';

/** If the answer does not say, as the token specification of Docker has it. */
const DEFAULT_LIFETIME_MS = 60_000;
const LONGEST_LIFETIME_MS = 24 * 3600_000;

/**
 * Ask the server that a challenge names for a token. Query values are encoded; redirects are not followed, for credentials are on board.
 *
 * @throws {RegistryError} REALM_REFUSED, UNAUTHORIZED, DENIED, BAD_TOKEN, and those of any request
 * @see {@link https://distribution.github.io/distribution/spec/auth/token/}
 */
export async function requestToken(request: TokenRequest): Promise<Token> {
  const { challenge, registry, credentials, trustedRealms } = request;
  const withCredentials = credentials !== undefined;
  const realm = checkRealm({ realm: challenge.params.get('realm') ?? '', registry, withCredentials, trusted: trustedRealms });
  const response = await request.send(httpRequest(realm, request));
  if (response.status !== 200) throw await tokenRefused(response, realm, request);
  return await readToken(response, realm, request);
}

function httpRequest(realm: URL, request: TokenRequest): HttpRequest {
  const { credentials, signal } = request;
  if (credentials !== undefined && 'identityToken' in credentials) {
    const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: CLIENT_ID, refresh_token: credentials.identityToken });
    const [service, scope] = [serviceOf(request), scopesOf(request).join(' ')];
    if (service !== undefined) form.set('service', service);
    if (scope !== '') form.set('scope', scope);
    const body = new TextEncoder().encode(form.toString());
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(body.byteLength) };
    return { method: 'POST', url: realm, headers: { accept: 'application/json', ...headers }, body, signal };
  }
  const url = new URL(realm);
  const service = serviceOf(request);
  if (service !== undefined) url.searchParams.append('service', service);
  for (const scope of scopesOf(request)) url.searchParams.append('scope', scope);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (credentials !== undefined && 'username' in credentials) headers['authorization'] = basicAuthorization(credentials);
  return { method: 'GET', url, headers, signal };
}

function serviceOf({ challenge }: TokenRequest): string | undefined {
  return challenge.params.get('service');
}

function scopesOf({ challenge, scopes }: TokenRequest): readonly string[] {
  return mergeScopes(scopes, splitScopes(challenge.params.get('scope')));
}

async function tokenRefused(response: HttpResponse, realm: URL, { registry, credentials, clock }: TokenRequest): Promise<RegistryError> {
  const isRedirect = response.status >= 300 && response.status < 400;
  if (isRedirect) {
    response.discard();
    const message = `the token server ${publicUrl(realm)} redirects, which is not followed`;
    return new RegistryError('REDIRECT_REFUSED', message, { registry: registry.host, status: response.status });
  }
  const who = credentials === undefined ? 'a token without login' : 'a token with the credentials given';
  return await responseError(response, realm, { registry: registry.host, action: `asking for ${who}`, now: clock.now() });
}

async function readToken(response: HttpResponse, realm: URL, { registry, clock }: TokenRequest): Promise<Token> {
  const bytes = await readBody(response, MAX_ANSWER);
  const answer = bytes && parseObject(bytes);
  const value = stringMember(answer, 'token') ?? stringMember(answer, 'access_token');
  if (answer === undefined || value === undefined || !/^[\x21-\x7e]+$/.test(value)) {
    const message = `wanted a token from ${publicUrl(realm)}, found ${answer === undefined ? 'no JSON' : 'none'}`;
    throw new RegistryError('BAD_TOKEN', message, { registry: registry.host, url: publicUrl(realm), status: response.status });
  }
  return { value, expires: clock.now() + lifetimeMs(answer, clock.now()) };
}

// A token is given up early, by a tenth of its life, so that it does not die under way.
function lifetimeMs(answer: Readonly<Record<string, unknown>>, now: number): number {
  const seconds = answer['expires_in'];
  const lifetime = typeof seconds === 'number' && seconds > 0 ? Math.min(seconds * 1000, LONGEST_LIFETIME_MS) : DEFAULT_LIFETIME_MS;
  const age = now - Date.parse(stringMember(answer, 'issued_at') ?? '');
  const left = age > 0 && age < lifetime ? lifetime - age : lifetime; // a clock that is off by more is not believed
  return left * 0.9;
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = parseJson(bytes);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch (error) {
    if (error instanceof OciSpecError) return undefined;
    throw error;
  }
}

function stringMember(answer: Readonly<Record<string, unknown>> | undefined, key: string): string | undefined {
  const value = answer !== undefined && Object.hasOwn(answer, key) ? answer[key] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}
