import { isLoopback } from './address.ts';
import type { Endpoint } from './endpoint.ts';
import { RegistryError } from './errors.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import { SingleFlight } from './single-flight.ts';

/** Finds out whether a registry is reached by https or by http, where both are allowed. Asks once per host, without credentials. */
export class SchemeFinder {
  readonly #send: (request: HttpRequest) => Promise<HttpResponse>;
  readonly #known = new Map<string, URL>();
  readonly #flights = new SingleFlight<URL>();

  constructor(send: (request: HttpRequest) => Promise<HttpResponse>) {
    this.#send = send;
  }

  /** Scheme, host and port. */
  async baseUrl(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<URL> {
    const { host, options } = endpoint;
    const secure = new URL(`https://${host}`);
    const plainHttp = options.plainHttp ?? (isLoopback(secure) ? 'fallback' : 'never');
    if (plainHttp === 'never') return secure;
    if (plainHttp === 'always') return new URL(`http://${host}`);
    const known = this.#known.get(host);
    if (known !== undefined) return known;
    return await this.#flights.run(host, signal, async (flightSignal) => {
      const found = await this.#probe(host, flightSignal);
      this.#known.set(host, found);
      return found;
    });
  }

  /** Plain HTTP only if nobody speaks TLS there: a certificate that does not hold is no reason. */
  async #probe(host: string, signal: AbortSignal): Promise<URL> {
    const [secure, plain] = [new URL(`https://${host}`), new URL(`http://${host}`)];
    try {
      await this.#ask(secure, signal);
      return secure;
    } catch (error) {
      if (!(error instanceof RegistryError) || !NOT_TLS.has(error.code)) throw error;
      await this.#ask(plain, signal);
      return plain;
    }
  }

  async #ask(base: URL, signal: AbortSignal): Promise<void> {
    const response = await this.#send({ method: 'GET', url: new URL('/v2/', base), headers: {}, signal });
    response.discard();
  }
}

const NOT_TLS: ReadonlySet<string> = new Set(['PLAIN_HTTP', 'CONNECTION']);
