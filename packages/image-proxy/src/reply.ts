import { ImageProxyError } from './errors.ts';
import { oneLine } from './foreign-text.ts';

/** What an error of the proxy is about; before 0.2.8 it does not say. */
type ReplyErrorCode = 'EPIPE' | 'retryable' | 'other';

/** An answer of the proxy. */
export type Reply =
  | { readonly success: true; readonly value: unknown; readonly pipeId: number }
  | { readonly success: false; readonly error: string; readonly code: ReplyErrorCode | undefined };

/**
 * Read an answer.
 *
 * @throws {ImageProxyError} PROTOCOL
 */
export function parseReply(bytes: Uint8Array): Reply {
  const reply = asObject(bytes);
  if (reply['success'] === false) return { success: false, error: textOf(reply, 'error'), code: errorCode(reply['error_code']) };
  if (reply['success'] !== true) throw notAReply(bytes);
  const pipeId = reply['pipeid'] ?? 0;
  if (typeof pipeId !== 'number' || !Number.isInteger(pipeId) || pipeId < 0 || pipeId > 0xffff_ffff) throw notAReply(bytes);
  return { success: true, value: reply['value'] ?? null, pipeId };
}

/** The error that a failed answer stands for. */
export function replyError({ error, code }: Extract<Reply, { readonly success: false }>): ImageProxyError {
  return new ImageProxyError('REFUSED', `skopeo: ${error}`, { retryable: code === 'retryable' });
}

/**
 * What `GetRawBlob` says on its second pipe.
 *
 * @returns undefined if it says nothing
 * @throws {ImageProxyError} PROTOCOL
 */
export function parseBlobError(bytes: Uint8Array): ImageProxyError | undefined {
  if (bytes.byteLength === 0) return undefined;
  const report = asObject(bytes);
  return replyError({ success: false, error: textOf(report, 'message'), code: errorCode(report['code']) });
}

function textOf(reply: Readonly<Record<string, unknown>>, key: string): string {
  const value = reply[key];
  return typeof value === 'string' && value !== '' ? oneLine(value) : 'failed without a reason';
}

/** Whatever the proxy does not call retryable is final. */
function errorCode(value: unknown): ReplyErrorCode | undefined {
  if (value === undefined || value === '') return undefined;
  return value === 'EPIPE' || value === 'retryable' ? value : 'other';
}

function asObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw notAReply(bytes, { cause });
  }
  throw notAReply(bytes);
}

function notAReply(bytes: Uint8Array, options?: ErrorOptions): ImageProxyError {
  const found = oneLine(new TextDecoder().decode(bytes.subarray(0, 200)));
  return new ImageProxyError('PROTOCOL', `wanted an answer of skopeo's image proxy, found ${JSON.stringify(found)}`, options);
}
