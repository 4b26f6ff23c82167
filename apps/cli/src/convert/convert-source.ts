import type { CommandContext, OptionValues } from '@cfskit/cli-kit';
import { readPlatform, type accessOptions, type platformOption, type seedOptions } from '@cfskit/cli-kit/images';
import { located, parseSource, withFetcher } from '../image-source.ts';
import { registryAccess } from '../registry-access.ts';
import { convertImage, openDestination, type ConversionValues } from './convert-image.ts';
import type { Destination } from './destination.ts';
import { printConverted } from './print-converted.ts';

/** Values of the options that say which image of a source, and how it is reached. */
export type SourceValues = OptionValues<typeof platformOption & typeof accessOptions & typeof seedOptions>;

/**
 * Convert an image where it is, and print what came of it.
 *
 * @param typed a reference with its transport
 * @throws {UsageError} {CliError} UNSUPPORTED, and as `convertImage`
 */
export async function convertSource(
  typed: string,
  destination: Destination,
  values: ConversionValues & SourceValues,
  context: CommandContext,
): Promise<void> {
  const reference = parseSource(typed);
  const platform = readPlatform(values.platform);
  const to = openDestination(destination, context);
  const registry = await registryAccess(values, reference, context);
  await withFetcher(registry, values, context, async (fetcher) => {
    const image = await fetcher.source(located(reference, context.world.cwd));
    const subject = { image, platform, isFar: reference.transport === 'registry' };
    await printConverted(await convertImage(subject, destination, to, values, context), destination, context);
  });
}
