import { addressKind } from './address.ts';
import { RegistryError } from './errors.ts';
import { oneLine, publicUrl } from './foreign-text.ts';
import type { HttpRequest, HttpResponse } from './http.ts';

/** Where a chain of redirects ended. */
export interface Answer {
  readonly response: HttpResponse;
  readonly url: URL;
  /** A request went to another origin than the first one's, so credentials were left behind and a demand for some is none of ours. */
  readonly isForeign: boolean;
}

const MAX_REDIRECTS = 10;

/** 301 to 303 turn a POST into a GET in some clients and not in others: nothing is uploaded on such an answer. */
const SAFE_ONLY: ReadonlySet<number> = new Set([301, 302, 303]);
const REDIRECTS: ReadonlySet<number> = new Set([...SAFE_ONLY, 307, 308]);

/**
 * Send a request and follow where the answers lead. At most ten times, never from https to http, never to an address of the local link
 * or, from elsewhere, of this machine. `Authorization` is dropped on the way to another origin and does not come back.
 *
 * @param body makes the body anew for every request
 * @throws {RegistryError} REDIRECT_REFUSED, TOO_MANY_REDIRECTS, and what `send` throws
 */
export async function sendFollowing(
  send: (request: HttpRequest) => Promise<HttpResponse>,
  request: HttpRequest,
  body: (() => HttpRequest['body']) | undefined,
): Promise<Answer> {
  let current = request;
  let isForeign = false;
  for (let count = 0; ; count++) {
    const response = await send(withBody(current, body));
    const location = REDIRECTS.has(response.status) ? response.headers['location'] : undefined;
    if (location === undefined) return { response, url: current.url, isForeign };
    response.discard();
    if (count === MAX_REDIRECTS) throw refused('TOO_MANY_REDIRECTS', request, `redirected more than ${MAX_REDIRECTS} times`);
    const url = redirectTarget(location, current, response.status);
    isForeign ||= url.origin !== request.url.origin;
    current = requestTo(url, current, isForeign);
  }
}

function withBody(request: HttpRequest, body: (() => HttpRequest['body']) | undefined): HttpRequest {
  const made = body?.();
  return made === undefined ? request : { ...request, body: made };
}

function requestTo(url: URL, request: HttpRequest, isForeign: boolean): HttpRequest {
  const { authorization: _, ...others } = request.headers;
  return { ...request, url, headers: isForeign ? others : request.headers };
}

function redirectTarget(location: string, from: HttpRequest, status: number): URL {
  const isSafe = from.method === 'GET' || from.method === 'HEAD';
  if (!isSafe && SAFE_ONLY.has(status)) throw refused('REDIRECT_REFUSED', from, `redirected with status ${status}`);
  return foreignTarget(location, from.url);
}

/**
 * A URL that a server sends us to, in `Location` or `Link`, resolved against the one it was asked at.
 *
 * @throws {RegistryError} REDIRECT_REFUSED
 */
export function foreignTarget(location: string, from: URL): URL {
  const request = { method: 'GET', url: from } as const;
  const url = URL.parse(location, from.href);
  if (url === null) throw refused('REDIRECT_REFUSED', request, `redirected to ${oneLine(location)}`);
  const why = complaint(url, from);
  if (why !== undefined) throw refused('REDIRECT_REFUSED', request, `redirected to ${publicUrl(url)}, ${why}`);
  url.hash = '';
  return url;
}

function complaint(url: URL, from: URL): string | undefined {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'which is no web address';
  if (url.protocol === 'http:' && from.protocol === 'https:') return 'which is not encrypted';
  if (url.username !== '' || url.password !== '') return 'with a user name in it';
  if (url.hostname === from.hostname) return undefined;
  const kind = addressKind(url);
  if (kind === 'link-local' || kind === 'unspecified') return 'an address of the local link';
  return kind === 'loopback' && addressKind(from) !== 'loopback' ? 'an address of this machine' : undefined;
}

function refused(
  code: 'REDIRECT_REFUSED' | 'TOO_MANY_REDIRECTS',
  { method, url }: Pick<HttpRequest, 'method' | 'url'>,
  what: string,
): RegistryError {
  return new RegistryError(code, `${method} ${publicUrl(url)}: ${what}`, { registry: url.host, url: publicUrl(url) });
}
