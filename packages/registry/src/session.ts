import { Authorizer, type AuthTarget } from './authorizer.ts';
import type { Clock } from './clock.ts';
import { connectionError } from './connection-error.ts';
import type { CredentialProvider } from './credentials.ts';
import type { Endpoint } from './endpoint.ts';
import type { RegistryError, RegistryErrorCode } from './errors.ts';
import type { HttpMethod, HttpRequest, HttpResponse, Transport } from './http.ts';
import { guardedBody } from './guarded-body.ts';
import { watchBody } from './request-body.ts';
import { sendFollowing, type Answer } from './redirect.ts';
import { responseError } from './response-error.ts';
import { withRetries, type RetryContext } from './retry.ts';
import { SchemeFinder } from './scheme.ts';

/** A request to a registry, before it is known how to get there. */
export interface Call {
  readonly endpoint: Endpoint;
  readonly method: HttpMethod;
  /** Below `/v2/`, such as `library/alpine/manifests/latest`; or a URL that the registry gave out. */
  readonly target: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew for every try; `content-length` must be among the headers. */
  readonly body?: () => HttpRequest['body'];
  /** Whether credentials are left out, even if the registry has asked for some before. */
  readonly isAnonymous?: boolean;
  /** What a token is asked for. */
  readonly scopes: readonly string[];
  /** Statuses that the caller deals with; all others become errors. */
  readonly expect: readonly number[];
  /** What a 404 means if the registry does not say. */
  readonly notFound?: RegistryErrorCode;
  /** The blob or manifest it is about. */
  readonly digest?: string;
  readonly signal?: AbortSignal;
}

/** What a {@link Session} works with. */
export interface SessionOptions {
  readonly transport: Transport;
  readonly credentials: CredentialProvider;
  readonly retry: RetryContext;
  readonly idleMs: number;
  readonly userAgent: string;
}

/** Gets requests to registries: finds the scheme, logs in, follows redirects, tries again, turns failures into errors. */
export class Session {
  readonly #options: SessionOptions;
  readonly #schemes: SchemeFinder;
  readonly #authorizer: Authorizer;

  constructor(options: SessionOptions) {
    const send = (request: HttpRequest): Promise<HttpResponse> => this.#exchange(request);
    this.#options = options;
    this.#schemes = new SchemeFinder(send);
    this.#authorizer = new Authorizer({ credentials: options.credentials, send, clock: options.retry.clock });
  }

  get retry(): RetryContext {
    return this.#options.retry;
  }

  /** A mirror gets two tries: the next place is waiting. */
  retryFor({ isMirror }: Endpoint): RetryContext {
    const { retry } = this.#options;
    return isMirror ? { ...retry, policy: { ...retry.policy, attempts: Math.min(2, retry.policy.attempts ?? 2) } } : retry;
  }

  get clock(): Clock {
    return this.#options.retry.clock;
  }

  /** Scheme, host and port. */
  async baseUrl(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<URL> {
    return await this.#schemes.baseUrl(endpoint, signal);
  }

  /** Send a request, several times if need be, until it gives one of the statuses expected. */
  async send(call: Call): Promise<Answer> {
    return await withRetries(this.retryFor(call.endpoint), call.signal, () => this.attempt(call));
  }

  /** One try: with another one inside if the registry wants a login first. */
  async attempt(call: Call): Promise<Answer> {
    call.signal?.throwIfAborted();
    const base = await this.baseUrl(call.endpoint, call.signal);
    const url = typeof call.target === 'string' ? new URL(`/v2/${call.target}`, base) : call.target;
    const answer = await this.#authorized(call, base, url);
    if (call.expect.includes(answer.response.status)) return answer;
    throw await this.#failure(call, answer);
  }

  async #authorized(call: Call, base: URL, url: URL): Promise<Answer> {
    if (call.isAnonymous === true || url.origin !== base.origin) return await this.#follow(call, url, undefined);
    const target = authTarget(call, base);
    const sent = await this.#authorizer.header(target, call.signal);
    const answer = await this.#follow(call, url, sent);
    if (answer.response.status !== 401 || answer.isForeign || call.expect.includes(401)) return answer;
    const header = await this.#headerAfter(answer.response, target, sent, call.signal);
    return header === undefined ? answer : await this.#follow(call, url, header);
  }

  /** The response is left to the caller if there is nothing to offer, so that its error can be read. */
  async #headerAfter(
    response: HttpResponse,
    target: AuthTarget,
    sent: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    let header: string | undefined;
    let isWanted = false;
    try {
      header = await this.#authorizer.headerAfter(target, response.headers['www-authenticate'], sent, signal);
      isWanted = header === undefined;
    } finally {
      if (!isWanted) response.discard();
    }
    return header;
  }

  async #follow(call: Call, url: URL, authorization: string | undefined): Promise<Answer> {
    const { method, signal } = call;
    const headers = { ...call.headers, ...(authorization !== undefined && { authorization }) };
    return await sendFollowing(
      (request) => this.#exchange(request),
      { method, url, headers, ...(signal !== undefined && { signal }) },
      call.body,
    );
  }

  async #exchange(request: HttpRequest): Promise<HttpResponse> {
    const { transport, userAgent, idleMs } = this.#options;
    const { method, url, signal } = request;
    const { body, failure } = watchBody(request.body);
    const toError = (error: unknown): unknown => (failure.hasFailed ? failure.error : connectionError(error, method, url, signal));
    try {
      const response = await transport.send({
        ...request,
        ...(body !== undefined && { body }),
        headers: { 'user-agent': userAgent, ...request.headers },
      });
      return { ...response, body: guardedBody(response.body, { url, idleMs, clock: this.clock, toError }) };
    } catch (error) {
      throw toError(error);
    }
  }

  async #failure({ endpoint, method, notFound, digest }: Call, { response, url, isForeign }: Answer): Promise<RegistryError> {
    return await responseError(response, url, {
      registry: isForeign ? url.host : endpoint.host,
      action: method,
      now: this.clock.now(),
      ...(endpoint.repository !== '' && { repository: endpoint.repository }),
      ...(notFound !== undefined && { notFound }),
      ...(digest !== undefined && { digest }),
    });
  }
}

function authTarget({ endpoint, scopes }: Call, base: URL): AuthTarget {
  const { registry, repository, options } = endpoint;
  return { base, registry, scopes, trustedRealms: options.trustedRealms ?? [], ...(repository !== '' && { repository }) };
}
