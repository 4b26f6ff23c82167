import type { Descriptor, OpenOptions } from '@cfskit/oci-spec';
import { OciDirError } from '@cfskit/ocidir';
import { ImageSourceError } from './errors.ts';
import { signalOf, type RootedImageSource } from './rooted-source.ts';

/** What is done about layers that are kept elsewhere. */
export interface ForeignLayerOptions {
  /**
   * Fetch a layer that is not with its image from the `urls` in its descriptor: by https, without credentials, at most ten redirects.
   * If not said, such a layer is an error.
   */
  readonly foreignLayers?: boolean;
  /** In place of the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
}

const MAX_URLS = 10;
const MAX_REDIRECTS = 10;

/** The same source, whose foreign layers come from where they are kept, if that is wanted. What comes is checked like everything else. */
export function withForeignLayers(source: RootedImageSource, options: ForeignLayerOptions): RootedImageSource {
  if (options.foreignLayers !== true) return source;
  return {
    describe: () => source.describe(),
    resolve: (resolveOptions) => source.resolve(resolveOptions),
    resolveRoot: (rootOptions) => source.resolveRoot(rootOptions),
    open: (descriptor, openOptions) => openHereOrElsewhere(source, descriptor, options.fetch ?? fetch, openOptions),
    close: async () => await source.close?.(),
  };
}

async function* openHereOrElsewhere(
  source: RootedImageSource,
  descriptor: Descriptor,
  get: typeof globalThis.fetch,
  options: OpenOptions = {},
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* source.open(descriptor, options);
  } catch (error) {
    if (!(error instanceof OciDirError) || error.code !== 'FOREIGN_LAYER') throw error; // it comes before the first chunk
    yield* openElsewhere(source.describe(), descriptor, get, options.signal);
  }
}

async function* openElsewhere(
  reference: string,
  descriptor: Descriptor,
  get: typeof globalThis.fetch,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void> {
  const { digest, urls = [] } = descriptor;
  const failures: unknown[] = [];
  for (const url of urls.slice(0, MAX_URLS)) {
    const body = await request(url, get, signal).catch((error: unknown) => {
      signal?.throwIfAborted();
      failures.push(error);
    });
    if (body === undefined) continue;
    yield* body;
    return;
  }
  const message = `the foreign layer ${digest} could not be fetched from any of its ${urls.length} addresses`;
  throw new ImageSourceError('FOREIGN_LAYER', reference, message, { digest, cause: new AggregateError(failures, 'all addresses failed') });
}

async function request(first: string, get: typeof globalThis.fetch, signal: AbortSignal | undefined): Promise<AsyncIterable<Uint8Array>> {
  let url = publicUrl(first);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await get(url, { redirect: 'manual', headers: { 'accept-encoding': 'identity' }, ...signalOf(signal) });
    if (response.status === 200 && response.body !== null) return response.body;
    await response.body?.cancel();
    const location = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || location === null) throw new Error(`${url.origin} answered ${response.status}`);
    url = publicUrl(location, url);
  }
  throw new Error(`more than ${MAX_REDIRECTS} redirects, the last one to ${url.origin}`);
}

/** An address that may be asked: https, nothing that identifies anybody. */
function publicUrl(text: string, base?: URL): URL {
  if (!URL.canParse(text, base?.href)) throw new Error('an address that cannot be read');
  const url = new URL(text, base);
  if (url.protocol !== 'https:') throw new Error(`wanted an address of https, found ${url.protocol}`);
  url.username = '';
  url.password = '';
  return url;
}
