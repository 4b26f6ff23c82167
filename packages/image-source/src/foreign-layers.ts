import type { Descriptor, OpenOptions } from '@cfskit/oci-spec';
import { OciDirError } from '@cfskit/ocidir';
import { RegistryClient, RegistryError } from '@cfskit/registry';
import { ImageSourceError } from './errors.ts';
import type { RegistryAccess } from './registry-access.ts';
import type { RootedImageSource } from './rooted-source.ts';

/** What is done about layers that are kept elsewhere. */
export interface ForeignLayerOptions extends RegistryAccess {
  /**
   * Fetch a layer that is not with its image from the `urls` in its descriptor: by https, without credentials, at most ten redirects.
   * If not said, such a layer is an error.
   */
  readonly foreignLayers?: boolean;
}

/** The same source, whose foreign layers come from where they are kept, if that is wanted. What comes is checked like everything else. */
export function withForeignLayers(source: RootedImageSource, options: ForeignLayerOptions): RootedImageSource {
  if (options.foreignLayers !== true) return source;
  const client = options.client ?? new RegistryClient(options.registry);
  return {
    describe: () => source.describe(),
    resolve: (resolveOptions) => source.resolve(resolveOptions),
    resolveRoot: (rootOptions) => source.resolveRoot(rootOptions),
    open: (descriptor, openOptions) => openHereOrElsewhere(source, client, descriptor, openOptions),
    async close() {
      await source.close?.();
      if (options.client === undefined) await client.close();
    },
  };
}

async function* openHereOrElsewhere(
  source: RootedImageSource,
  client: RegistryClient,
  descriptor: Descriptor,
  options: OpenOptions = {},
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* source.open(descriptor, options);
  } catch (error) {
    if (!(error instanceof OciDirError) || error.code !== 'FOREIGN_LAYER') throw error; // it comes before the first chunk
    yield* openElsewhere(source.describe(), client, descriptor, options);
  }
}

async function* openElsewhere(
  reference: string,
  client: RegistryClient,
  descriptor: Descriptor,
  options: OpenOptions,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* client.openForeign(descriptor, options);
  } catch (cause) {
    if (!(cause instanceof RegistryError)) throw cause;
    const { digest, urls = [] } = descriptor;
    const message = `the foreign layer ${digest} could not be fetched from any of its ${urls.length} addresses`;
    throw new ImageSourceError('FOREIGN_LAYER', reference, message, { digest, cause });
  }
}
