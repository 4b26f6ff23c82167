import { BoundedMap } from './bounded-map.ts';
import { parseChallenges, type Challenge } from './challenge.ts';
import type { Clock } from './clock.ts';
import { basicAuthorization, type CredentialProvider, type Credentials } from './credentials.ts';
import { RegistryError } from './errors.ts';
import { oneLine } from './foreign-text.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import { mergeScopes } from './scope.ts';
import { SingleFlight } from './single-flight.ts';
import { requestToken, type Token } from './token.ts';

/** Whom a request goes to and what it is for. */
export interface AuthTarget {
  /** Where the registry answers: scheme, host and port. */
  readonly base: URL;
  /** The name credentials are kept under. */
  readonly registry: string;
  readonly repository?: string;
  readonly scopes: readonly string[];
  readonly trustedRealms: readonly string[];
}

/** What an {@link Authorizer} works with. */
export interface AuthorizerOptions {
  readonly credentials: CredentialProvider;
  readonly send: (request: HttpRequest) => Promise<HttpResponse>;
  readonly clock: Clock;
}

/**
 * Supplies `Authorization`. The first request for a repository goes without; the registry's challenge is remembered, so that later ones carry
 * what it wants from the start. Tokens are kept until shortly before they expire, one per repository and set of scopes, and asked
 * for once however many requests wait for them.
 */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  readonly #challenges = new BoundedMap<Challenge>();
  readonly #tokens = new BoundedMap<Token>();
  readonly #credentials = new BoundedMap<Credentials | undefined>();
  readonly #tokenFlights = new SingleFlight<Token>();
  readonly #credentialFlights = new SingleFlight<Credentials | undefined>();

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /** What to send along; undefined while the registry has not asked for anything. */
  async header(target: AuthTarget, signal: AbortSignal | undefined): Promise<string | undefined> {
    const challenge = this.#challenges.get(repositoryKey(target));
    return challenge && (await this.#answer(challenge, target, signal));
  }

  /**
   * What to send along after a 401: asked for anew, for what was sent was not good enough. Undefined if there is nothing to offer.
   *
   * @throws {RegistryError} UNSUPPORTED_CHALLENGE, REALM_REFUSED, BAD_TOKEN, UNAUTHORIZED, DENIED
   */
  async headerAfter(
    target: AuthTarget,
    wwwAuthenticate: string | undefined,
    sent: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const challenge = chooseChallenge(wwwAuthenticate, target);
    this.#challenges.set(repositoryKey(target), challenge);
    if (sent !== undefined) this.#forget(target, sent);
    const header = await this.#answer(challenge, target, signal);
    return header === sent ? undefined : header;
  }

  async #answer(challenge: Challenge, target: AuthTarget, signal: AbortSignal | undefined): Promise<string | undefined> {
    const credentials = await this.#lookUp(target, signal);
    if (challenge.scheme === 'basic') {
      return credentials !== undefined && 'username' in credentials ? basicAuthorization(credentials) : undefined;
    }
    if (credentials !== undefined && 'registryToken' in credentials) return `Bearer ${credentials.registryToken}`;
    return `Bearer ${(await this.#token(challenge, target, credentials, signal)).value}`;
  }

  async #token(
    challenge: Challenge,
    target: AuthTarget,
    credentials: Credentials | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Token> {
    const key = tokenKey(target);
    const { send, clock } = this.#options;
    const known = this.#tokens.get(key);
    if (known !== undefined && known.expires > clock.now()) return known;
    return await this.#tokenFlights.run(key, signal, async (flightSignal) => {
      const { base: registry, scopes, trustedRealms } = target;
      const token = await requestToken({ challenge, registry, scopes, credentials, trustedRealms, send, clock, signal: flightSignal });
      this.#tokens.set(key, token);
      return token;
    });
  }

  async #lookUp(target: AuthTarget, signal: AbortSignal | undefined): Promise<Credentials | undefined> {
    const key = repositoryKey(target);
    if (this.#credentials.has(key)) return this.#credentials.get(key);
    return await this.#credentialFlights.run(key, signal, async (flightSignal) => {
      const { registry, repository } = target;
      const found = await this.#options.credentials(
        { registry, ...(repository !== undefined && { repository }) },
        { signal: flightSignal },
      );
      this.#credentials.set(key, found);
      return found;
    });
  }

  /** Another request may have got a new token meanwhile: only the one that was refused is dropped. */
  #forget(target: AuthTarget, sent: string): void {
    const key = tokenKey(target);
    if (sent === `Bearer ${this.#tokens.get(key)?.value}`) this.#tokens.delete(key);
    this.#credentials.delete(repositoryKey(target));
  }
}

function chooseChallenge(header: string | undefined, { base }: AuthTarget): Challenge {
  const challenges = parseChallenges(header ?? '');
  const bearer = challenges.find(({ scheme, params }) => scheme === 'bearer' && params.has('realm'));
  const chosen = bearer ?? challenges.find(({ scheme }) => scheme === 'basic');
  if (chosen !== undefined) return chosen;
  const found = challenges.length === 0 ? 'none' : oneLine(challenges.map(({ scheme }) => scheme).join(', '));
  const message = `wanted a Bearer or Basic challenge from ${base.host}, found ${found}`;
  throw new RegistryError('UNSUPPORTED_CHALLENGE', message, { registry: base.host, status: 401 });
}

function repositoryKey({ base, repository = '' }: AuthTarget): string {
  return `${base.origin} ${repository}`;
}

function tokenKey(target: AuthTarget): string {
  return `${repositoryKey(target)} ${mergeScopes(target.scopes).join(' ')}`;
}
