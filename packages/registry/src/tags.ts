import type { Endpoint } from './endpoint.ts';
import { RegistryError } from './errors.ts';
import { publicUrl } from './foreign-text.ts';
import { pages, type Page } from './link.ts';
import { repositoryScope } from './scope.ts';
import type { Session } from './session.ts';

/** How tags are listed. */
export interface ListTagsOptions {
  /** Tags per request; registries may give fewer, or ignore it. 1000 if not said. */
  readonly pageSize?: number;
  readonly signal?: AbortSignal;
}

/**
 * `GET /v2/<name>/tags/list`, page by page, in the registry's order.
 *
 * @throws {RegistryError} NAME_UNKNOWN if there is no such repository, and those of any request
 */
export async function* listTags(session: Session, endpoint: Endpoint, options: ListTagsOptions): AsyncGenerator<string, void> {
  const { pageSize = 1000, signal } = options;
  const { repository } = endpoint;
  const list = pages(session, {
    endpoint,
    method: 'GET',
    target: `${repository}/tags/list?n=${pageSize}`,
    headers: { accept: 'application/json' },
    scopes: [repositoryScope(repository, 'pull')],
    expect: [200],
    notFound: 'NAME_UNKNOWN',
    ...(signal !== undefined && { signal }),
  });
  for await (const page of list) yield* tagsOn(page, endpoint);
}

function tagsOn({ bytes, url, status }: Page, { host: registry, repository }: Endpoint): readonly string[] {
  const tags = readTags(bytes);
  if (tags !== undefined) return tags;
  const message = `GET ${publicUrl(url)}: wanted a list of tags, found something else`;
  throw new RegistryError('BAD_RESPONSE', message, { registry, repository, url: publicUrl(url), status });
}

/** `{"name": …, "tags": […]}`; a repository without tags may say null. */
function readTags(bytes: Uint8Array | undefined): readonly string[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined; // the caller says what was wanted
  }
  if (typeof value !== 'object' || value === null || !('tags' in value)) return undefined;
  const { tags } = value;
  if (tags === null) return [];
  return Array.isArray(tags) && tags.every((tag) => typeof tag === 'string') ? tags : undefined;
}
