/** The methods that registries know. */
export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One request, as it goes over the wire. */
export interface HttpRequest {
  readonly method: HttpMethod;
  readonly url: URL;
  /** Lower-case names. `content-length` is there whenever there is a body. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
}

/** What came back. Either `body` is read to its end or left, or `discard` is called. */
export interface HttpResponse {
  readonly status: number;
  /** Lower-case names; a header that came several times is joined with `, `. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /**
   * As it came, not decoded, whatever `content-encoding` says. A piece is looked at until the next one is asked for, and not after: its
   * memory may be used again. Leaving the loop early closes the connection.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** The body is not wanted. */
  discard(): void;
}

/**
 * Sends single requests: no redirects, no retries, no cookies, no decoding; those are this package's business. The default is built on
 * undici. Another one can be given to a client, to count, to record, or to answer without a network.
 */
export interface Transport {
  /** Rejects with the signal's reason when aborted, and with an error of Node's kind, with a `code`, when there is no answer. */
  send(request: HttpRequest): Promise<HttpResponse>;
  /** Close idle connections and end running requests. */
  close(): Promise<void>;
}
