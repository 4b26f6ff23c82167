import type { CommandContext, OptionValues } from '@cfskit/cli-kit';
import { type accessOptions, type platformOption, readPlatform, type seedOptions } from '@cfskit/cli-kit/access';
import { formatPlatform, loadImage, type ImageSource, type LoadedImage } from '@cfskit/oci-spec';
import { located, parseSource, withFetcher } from './image-source.ts';
import { registryAccess } from './registry-access.ts';

/** Values of the options that say how a source is read. */
export type SourceValues = OptionValues<typeof accessOptions & typeof platformOption & typeof seedOptions>;

/** Manifest and config of an image at its source, checked. No layer is read. */
export interface InspectedSource {
  readonly manifestRaw: Uint8Array;
  readonly configRaw: Uint8Array;
  /** What is known besides, as it is printed. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/**
 * Look at an image where it is.
 *
 * @throws {UsageError} {CliError} UNSUPPORTED {OciSpecError} {VerifyError} and what the source throws
 */
export async function inspectSource(typed: string, values: SourceValues, context: CommandContext): Promise<InspectedSource> {
  const reference = parseSource(typed, 'REF');
  const platform = readPlatform(values.platform);
  const registry = await registryAccess(values, reference, context);
  return await withFetcher(registry, values, context, async (fetcher) => {
    const { signal, log, world } = context;
    const source = await fetcher.source(located(reference, world.cwd));
    const onWarning = (text: string): void => log.warn(text);
    const image = await loadImage(source, { signal, onWarning, ...(platform !== undefined && { platform }) });
    return { manifestRaw: image.resolved.raw, configRaw: image.configRaw, facts: factsOf(source, image) };
  });
}

function factsOf(source: ImageSource, { resolved }: LoadedImage): InspectedSource['facts'] {
  const { descriptor, indexDigest, platform } = resolved;
  return {
    composefs_erofs: null,
    composefs_boot_erofs: null,
    resolved: 'source',
    manifest_digest: descriptor.digest,
    source: source.describe(),
    ...(indexDigest !== undefined && { index_digest: indexDigest }),
    ...(platform !== undefined && { platform: formatPlatform(platform) }),
  };
}
