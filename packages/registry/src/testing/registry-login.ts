import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendError, sendJson } from './answers.ts';

/** What a test registry wants to see before it answers. */
export interface TestLogin {
  /** `bearer`: the registry is its own token server, at `/token`. */
  readonly scheme: 'basic' | 'bearer';
  readonly username: string;
  readonly password: string;
  /** Whether anybody may read; with `bearer` only. */
  readonly anonymousPull?: boolean;
}

/** Checks logins and, for bearer, gives out tokens. */
export class LoginDesk {
  readonly #login: TestLogin;
  readonly #tokens = new Map<string, readonly string[]>();

  constructor(login: TestLogin) {
    this.#login = login;
  }

  /** Answer the request if it may not pass. */
  refuses(request: IncomingMessage, response: ServerResponse, url: URL): boolean {
    const authorization = request.headers.authorization ?? '';
    if (url.pathname === '/token') {
      this.#giveToken(authorization, response, url);
      return true;
    }
    const scope = scopeOf(request, url);
    const isGood = this.#login.scheme === 'basic' ? this.#isPassword(authorization) : this.#isToken(authorization, scope);
    if (isGood) return false;
    const bearer = `Bearer realm="${url.origin}/token",service="test registry",scope="${scope}"`;
    response.setHeader('www-authenticate', this.#login.scheme === 'basic' ? 'Basic realm="test registry"' : bearer);
    sendError(response, 401, 'UNAUTHORIZED', 'authentication required');
    return true;
  }

  #isPassword(authorization: string): boolean {
    const { username, password } = this.#login;
    return authorization === `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }

  #isToken(authorization: string, scope: string): boolean {
    const scopes = this.#tokens.get(authorization.replace(/^Bearer /, ''));
    return scopes !== undefined && (scope === '' || scopes.some((granted) => covers(granted, scope)));
  }

  #giveToken(authorization: string, response: ServerResponse, url: URL): void {
    const scopes = url.searchParams.getAll('scope');
    const isAnonymous = authorization === '' && this.#login.anonymousPull === true;
    if (!isAnonymous && !this.#isPassword(authorization)) {
      sendError(response, 401, 'UNAUTHORIZED', 'bad credentials');
      return;
    }
    const token = randomUUID();
    this.#tokens.set(token, isAnonymous ? scopes.map((scope) => scope.replace(/:[^:]*$/, ':pull')) : scopes);
    sendJson(response, 200, { token, expires_in: 300 });
  }
}

function scopeOf({ method }: IncomingMessage, { pathname }: URL): string {
  const name = /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(pathname)?.[1];
  if (name === undefined) return '';
  return `repository:${name}:${method === 'GET' || method === 'HEAD' ? 'pull' : 'pull,push'}`;
}

function covers(granted: string, wanted: string): boolean {
  const [grantedResource, grantedActions] = split(granted);
  const [resource, actions] = split(wanted);
  return grantedResource === resource && actions.every((action) => grantedActions.includes(action));
}

function split(scope: string): readonly [resource: string, actions: readonly string[]] {
  const colon = scope.lastIndexOf(':');
  return [scope.slice(0, colon), scope.slice(colon + 1).split(',')];
}
