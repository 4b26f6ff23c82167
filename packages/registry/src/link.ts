import type { Call, Session } from './session.ts';
import { readBody } from './body.ts';
import { RegistryError } from './errors.ts';
import { publicUrl } from './foreign-text.ts';
import type { HttpResponse } from './http.ts';
import { foreignTarget, type Answer } from './redirect.ts';

const MAX_PAGES = 10_000;
const MAX_PAGE_SIZE = 32 * 1024 * 1024;

/** Of all pages together: lists are collected, and three million tags are more than there are anywhere. */
const MAX_LIST_SIZE = 64 * 1024 * 1024;

/** One page of a list. */
export interface Page {
  readonly status: number;
  readonly headers: HttpResponse['headers'];
  /** Undefined where the status is not 200. */
  readonly bytes: Uint8Array | undefined;
  readonly url: URL;
}

/**
 * The pages of a list, one request each, following `Link: <…>; rel="next"` within the registry's own origin.
 *
 * @throws {RegistryError} BAD_RESPONSE for a link elsewhere, to a page seen before, or beyond ten thousand pages; TOO_LARGE: more than 32 MiB in a page, 64 MiB in all
 */
export async function* pages(session: Session, call: Call): AsyncGenerator<Page, void> {
  const seen = new Set<string>();
  let target = call.target;
  let size = 0;
  for (;;) {
    const answer = await session.send({ ...call, target });
    const page = await toPage(answer, call);
    size += page.bytes?.byteLength ?? 0;
    if (size > MAX_LIST_SIZE) throw tooLarge(answer, call, `a list of at most ${MAX_LIST_SIZE} bytes`);
    yield page;
    const next = nextUrl(answer);
    if (next === undefined) return;
    if (seen.has(next.href) || seen.size >= MAX_PAGES) throw badLink(answer, call, 'a list without end');
    seen.add(next.href);
    if (next.origin !== (await session.baseUrl(call.endpoint, call.signal)).origin)
      throw badLink(answer, call, `a link to ${publicUrl(next)}`);
    target = next;
  }
}

async function toPage(answer: Answer, call: Call): Promise<Page> {
  const { response, url } = answer;
  const { status, headers } = response;
  if (status !== 200) {
    response.discard();
    return { status, headers, bytes: undefined, url };
  }
  const bytes = await readBody(response, MAX_PAGE_SIZE);
  if (bytes !== undefined) return { status, headers, bytes, url };
  throw tooLarge(answer, call, `a page of at most ${MAX_PAGE_SIZE} bytes`);
}

function tooLarge({ url }: Answer, { endpoint }: Call, wanted: string): RegistryError {
  const message = `GET ${publicUrl(url)}: wanted ${wanted}, found more`;
  return new RegistryError('TOO_LARGE', message, { registry: endpoint.host, url: publicUrl(url) });
}

function nextUrl({ response, url }: Answer): URL | undefined {
  const link = parseNextLink(response.headers['link']);
  return link === undefined ? undefined : foreignTarget(link, url);
}

/**
 * The target of the link with `rel="next"`.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc8288#section-3}
 */
export function parseNextLink(header: string | undefined): string | undefined {
  for (const [, target, params] of (header ?? '').matchAll(/<([^<>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+\s*=\s*(?:"[^"]*"|[^\s",;]*))*)/g)) {
    const relation = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]*))/i.exec(params!);
    const names = (relation?.[1] ?? relation?.[2] ?? '').toLowerCase().split(/\s+/);
    if (names.includes('next')) return target;
  }
  return undefined;
}

function badLink({ url }: Answer, { endpoint }: Call, what: string): RegistryError {
  const { host: registry, repository } = endpoint;
  return new RegistryError('BAD_RESPONSE', `GET ${publicUrl(url)}: ${what}`, { registry, repository, url: publicUrl(url) });
}
