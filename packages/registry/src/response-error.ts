import { isWebPage, readBody } from './body.ts';
import { RegistryError, type RegistryErrorCode, type RegistryErrorEntry } from './errors.ts';
import { oneLine, publicUrl } from './foreign-text.ts';
import type { HttpResponse } from './http.ts';
import { parseRetryAfter } from './retry.ts';

/** What a failed request was for. */
export interface FailedRequest {
  readonly registry: string;
  readonly repository?: string;
  /** For the message: `GET`, or a phrase. */
  readonly action: string;
  /** What a 404 means if the registry does not say. */
  readonly notFound?: RegistryErrorCode;
  readonly digest?: string;
  readonly now: number;
}

const MAX_ERROR_BODY = 64 * 1024;
const MAX_ENTRIES = 10;

const NOT_FOUND_CODES: ReadonlyMap<string, RegistryErrorCode> = new Map([
  ['NAME_UNKNOWN', 'NAME_UNKNOWN'],
  ['MANIFEST_UNKNOWN', 'MANIFEST_UNKNOWN'],
  ['BLOB_UNKNOWN', 'BLOB_UNKNOWN'],
  ['BLOB_UPLOAD_UNKNOWN', 'UPLOAD_LOST'],
]);

const REJECTED: ReadonlySet<number> = new Set([400, 405, 409, 411, 412, 413, 414, 415, 416, 422, 451]);

/** The error that a response stands for; its body is read as far as it helps. */
export async function responseError(response: HttpResponse, url: URL, request: FailedRequest): Promise<RegistryError> {
  const { status } = response;
  const page = isWebPage(response);
  const errors = page ? discarded(response) : await readErrors(response);
  const { registry, repository, digest, action } = request;
  const retryAfterMs = parseRetryAfter(response.headers['retry-after'], request.now);
  return new RegistryError(codeFor(status, page, errors, request.notFound), messageFor(action, url, status, page, errors), {
    registry,
    url: publicUrl(url),
    status,
    errors,
    ...(repository !== undefined && { repository }),
    ...(digest !== undefined && { digest }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

function codeFor(
  status: number,
  page: boolean,
  errors: readonly RegistryErrorEntry[],
  notFound: RegistryErrorCode = 'UNEXPECTED_STATUS',
): RegistryErrorCode {
  if (status === 401) return 'UNAUTHORIZED';
  if (status === 403) return 'DENIED';
  if (status === 429) return 'TOO_MANY_REQUESTS';
  if (status >= 500 && status < 600) return 'SERVER_ERROR';
  if (status === 408) return 'TIMEOUT';
  if (status === 404) return page ? 'NOT_A_REGISTRY' : (saidNotFound(errors) ?? notFound);
  return REJECTED.has(status) ? 'REJECTED' : 'UNEXPECTED_STATUS';
}

function saidNotFound(errors: readonly RegistryErrorEntry[]): RegistryErrorCode | undefined {
  return errors.map(({ code }) => NOT_FOUND_CODES.get(code)).find((code) => code !== undefined);
}

function messageFor(action: string, url: URL, status: number, page: boolean, errors: readonly RegistryErrorEntry[]): string {
  const [first] = errors;
  const said = page ? ' with a web page' : first === undefined ? '' : `: ${describeEntry(first)}`;
  return `${action} ${publicUrl(url)}: the server answered ${status}${said}`;
}

function describeEntry({ code, message, detail }: RegistryErrorEntry): string {
  const text = [code, message].filter((part) => part !== '').join(': ');
  return detail === undefined ? text : `${text} ${detail}`;
}

function discarded(response: HttpResponse): readonly RegistryErrorEntry[] {
  response.discard();
  return [];
}

/** The error list of the specification, or nothing: many servers and proxies answer otherwise. */
async function readErrors(response: HttpResponse): Promise<readonly RegistryErrorEntry[]> {
  try {
    const bytes = await readBody(response, MAX_ERROR_BODY);
    const value: unknown = bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes));
    const list: unknown = typeof value === 'object' && value !== null && 'errors' in value ? value.errors : undefined;
    return Array.isArray(list) ? list.slice(0, MAX_ENTRIES).flatMap(toEntry) : [];
  } catch {
    return []; // the status says enough; whether the body could be read does not matter
  }
}

function toEntry(value: unknown): readonly RegistryErrorEntry[] {
  if (typeof value !== 'object' || value === null) return [];
  const { code, message, detail } = value as Record<string, unknown>;
  const shown = detail === undefined || detail === null || detail === '' ? undefined : oneLine(JSON.stringify(detail));
  return [{ code: textOf(code), message: textOf(message), ...(shown !== undefined && { detail: shown }) }];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? oneLine(value) : '';
}
