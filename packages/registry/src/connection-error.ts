import { codeOf, RegistryError, type RegistryErrorCode } from './errors.ts';
import { oneLine, publicUrl } from './foreign-text.ts';

const TIMEOUTS: ReadonlySet<string> = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);

/** What OpenSSL says of a server that answers a TLS greeting in plain text. */
const NOT_TLS: ReadonlySet<string> = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_UNKNOWN_PROTOCOL',
]);

/** Not the network's doing: a call of ours that is wrong, or a client that was closed meanwhile. */
const OURS: ReadonlySet<string> = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_DESTROYED', 'UND_ERR_CLOSED']);

/** Something that is not HTTP, or headers without end. */
const NOT_HTTP = /^(?:HPE|UND_ERR_HEADERS_OVERFLOW|UND_ERR_RES_CONTENT_LENGTH_MISMATCH)/;

const CERTIFICATE =
  /^(?:CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|UND_ERR_PRX_TLS|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|EPROTO|CRL_|ERROR_IN_)/;

/** How Node.js is to be started: whoever sees the message may not be the one who starts it. */
const NODES_ADVICE = /; if the root CA is installed locally, try running Node\.js with --use-system-ca$/;

/** An error that no server sent: no connection, a cut one, no trust. Those that are ours already, and aborts, are returned as they are. */
export function connectionError(error: unknown, method: string, url: URL, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true) return signal.reason;
  if (!(error instanceof Error) || error instanceof RegistryError) return error;
  const cause = innermost(error);
  const code = codeOf(cause) ?? (cause.name === 'HTTPParserError' ? 'HPE' : undefined);
  if (code === undefined || OURS.has(code)) return error;
  const kind = kindOf(code, url);
  const hint = kind === 'PLAIN_HTTP' ? '; the server speaks plain HTTP, which has to be allowed for this registry' : '';
  const message = `${method} ${publicUrl(url)}: ${describe(cause, code)}${hint}`;
  return new RegistryError(kind, message, { registry: url.host, url: publicUrl(url), cause: error });
}

function kindOf(code: string, url: URL): RegistryErrorCode {
  if (TIMEOUTS.has(code)) return 'TIMEOUT';
  if (url.protocol === 'https:' && NOT_TLS.has(code)) return 'PLAIN_HTTP';
  if (NOT_HTTP.test(code)) return 'BAD_RESPONSE';
  return CERTIFICATE.test(code) ? 'TLS' : 'CONNECTION';
}

/** Several addresses that failed come as one AggregateError; the first says enough. */
function innermost(error: Error): Error {
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return inner instanceof Error ? inner : error;
}

/** OpenSSL's messages are a dozen fields long, of which one is for people. */
function describe(cause: Error, code: string): string {
  if ('reason' in cause && typeof cause.reason === 'string') return oneLine(`${cause.reason} (${code})`);
  return oneLine(cause.message === '' ? code : cause.message.replace(NODES_ADVICE, ''));
}
