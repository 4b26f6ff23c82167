import type { HttpRequest } from './http.ts';

/** A body on its way out, and what went wrong with it, which is not the connection's fault. */
export interface WatchedBody {
  readonly body?: NonNullable<HttpRequest['body']>;
  /** Set when the source of the body has failed. */
  readonly failure: { error?: unknown; hasFailed: boolean };
}

/** Pass a body on and remember the error of its source: the transport reports it as one of its own, if at all. */
export function watchBody(body: HttpRequest['body']): WatchedBody {
  const failure = { hasFailed: false };
  if (body === undefined || body instanceof Uint8Array) return { failure, ...(body !== undefined && { body }) };
  return { failure, body: watched(body, failure) };
}

async function* watched(source: AsyncIterable<Uint8Array>, failure: WatchedBody['failure']): AsyncGenerator<Uint8Array, void> {
  try {
    yield* source;
  } catch (error) {
    failure.error = error;
    failure.hasFailed = true;
    throw error;
  }
}
