import type { Dispatcher } from 'undici';
import { bodyPieces, HIGH_WATER_MARK } from './body-pieces.ts';
import type { TlsSettings } from './certificates.ts';
import type { HttpRequest, HttpResponse, Transport } from './http.ts';

/** How long to wait for a server. */
export interface Timeouts {
  /** For a connection; 30 seconds if not said. */
  readonly connectMs?: number;
  /** For the first byte of an answer; 60 seconds if not said. */
  readonly headersMs?: number;
  /** Between bytes of an answer, and for each 64 KiB of it; 60 seconds if not said. */
  readonly idleMs?: number;
}

/** What the transport asks before it connects. */
export interface UndiciTransportOptions {
  /** By `host[:port]`. */
  readonly tls: (host: string) => Promise<TlsSettings>;
  /** URL of a proxy for this URL, if there is to be one. */
  readonly proxy: (url: URL) => string | undefined;
  readonly timeouts: Timeouts;
}

/** More than that are not read from a response nobody wants; its connection is closed instead. */
const DISCARD_LIMIT = 64 * 1024;

/** The default transport: undici's pools, one per origin, made when they are first needed. HTTP/1.1 with connections kept open. */
export class UndiciTransport implements Transport {
  readonly #options: UndiciTransportOptions;
  readonly #dispatchers = new Map<string, Promise<Dispatcher>>();
  #closed = false;

  constructor(options: UndiciTransportOptions) {
    this.#options = options;
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    request.signal?.throwIfAborted();
    if (this.#closed) throw new TypeError('the registry client is closed');
    const dispatcher = await this.#dispatcherFor(request.url);
    const { url, method, headers, body, signal } = request;
    const response = await dispatcher.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method,
      headers,
      body: (body ?? null) as Uint8Array | null, // async iterables are taken too, the types do not say so
      signal: signal ?? null,
      highWaterMark: HIGH_WATER_MARK,
      ...this.#requestTimeouts(),
    });
    return toHttpResponse(response);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const dispatchers = await Promise.allSettled(this.#dispatchers.values());
    this.#dispatchers.clear();
    await Promise.all(dispatchers.flatMap((settled) => (settled.status === 'fulfilled' ? [settled.value.destroy()] : [])));
  }

  #requestTimeouts(): { readonly headersTimeout: number; readonly bodyTimeout: number } {
    const { headersMs = 60_000, idleMs = 60_000 } = this.#options.timeouts;
    return { headersTimeout: headersMs, bodyTimeout: idleMs };
  }

  async #dispatcherFor(url: URL): Promise<Dispatcher> {
    const known = this.#dispatchers.get(url.origin);
    if (known !== undefined) return await known;
    const made = this.#makeDispatcher(url);
    this.#dispatchers.set(url.origin, made);
    made.catch(() => this.#dispatchers.delete(url.origin)); // a certificate that cannot be read now may be there next time
    return await made;
  }

  async #makeDispatcher(url: URL): Promise<Dispatcher> {
    const { tls, proxy, timeouts } = this.#options;
    const { ca, ...rest } = url.protocol === 'https:' ? await tls(url.host) : {};
    const timeout = timeouts.connectMs ?? 30_000;
    const connect = { ...rest, ...(ca !== undefined && { ca: [...ca] }), timeout };
    const proxyUrl = proxy(url);
    const { Pool, ProxyAgent } = await import('undici'); // 130 modules, which programs load in vain that go to no registry this time
    if (proxyUrl === undefined) return new Pool(url.origin, { connect, allowH2: false });
    return new ProxyAgent({
      uri: proxyUrl,
      requestTls: connect,
      proxyTls: { timeout },
      allowH2: false,
      proxyTunnel: url.protocol === 'https:',
    });
  }
}

function toHttpResponse({ statusCode, headers, body }: Dispatcher.ResponseData): HttpResponse {
  const joined = Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value] as const);
  return {
    status: statusCode,
    headers: Object.fromEntries(joined),
    body: bodyPieces(body),
    discard: () => void body.dump({ limit: DISCARD_LIMIT }).catch(() => undefined),
  };
}
