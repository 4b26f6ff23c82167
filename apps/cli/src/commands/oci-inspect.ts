import { CliError, decodeUtf8, defineCommand, formatJson, type Command, type CommandContext } from '@cfskit/cli-kit';
import { accessOptions, platformOption, seedOptions, withRepository, withRepositoryIfAny } from '@cfskit/cli-kit/images';
import { findTag, inspectImage, openImage, type ImageInspection } from '@cfskit/oci-import';
import { OciRefError, parseImageReference } from '@cfskit/oci-ref';
import type { Repository } from '@cfskit/repository';
import { requestedFormat } from '../image-id.ts';
import { checkImageRef, IMAGE_REF_TEXT } from '../image-ref.ts';
import type { InspectedSource } from '../inspect-source.ts';

const STORED = 'stored:';

export const ociInspect: Command = defineCommand({
  summary: 'Print manifest, config and referrers of a stored image, or manifest and config of one at its source',
  details:
    'The result is JSON with and without --json. Manifest and config are texts, exactly as they are, or objects with --parsed. A reference with a transport is a stored tag, if there is one of exactly that text, else the source itself, which is not copied; stored:REF and --remote force one side.',
  arguments: { image: { name: 'REF', description: `${IMAGE_REF_TEXT}; or a source, as in pull` } },
  options: {
    manifest: { type: 'boolean', description: 'Print the manifest as it is and a newline', conflicts: ['config', 'parsed', 'json'] },
    config: { type: 'boolean', description: 'Print the config as it is and a newline', conflicts: ['parsed', 'json'] },
    parsed: { type: 'boolean', description: 'Print manifest and config as objects instead of texts' },
    remote: { type: 'boolean', description: 'REF is a source, whatever is stored' },
    ...platformOption,
    ...accessOptions,
    ...seedOptions,
  },
  examples: [
    ['inspect demo --parsed', 'everything that is known'],
    ['inspect oci-archive:image.tar --config', 'the config in an archive, byte for byte'],
  ],
  async run({ values, args }, context) {
    const isStored = !values.remote && args.image.startsWith(STORED);
    const name = isStored ? args.image.slice(STORED.length) : args.image;
    if (isStored || !(values.remote || isSource(name))) {
      checkImageRef(name);
      await withRepository(values, context, (repository) => printStored(repository, name, values, context));
      return;
    }
    if (!values.remote && (await withRepositoryIfAny(values, context, (repository) => printIfTagged(repository, name, values, context))))
      return;
    const { inspectSource } = await import('../inspect-source.ts'); // which brings what speaks to registries
    await printSource(await inspectSource(name, values, context), values, context);
  },
});

interface FormValues {
  readonly 'erofs-version': string | undefined;
  readonly manifest: boolean;
  readonly config: boolean;
  readonly parsed: boolean;
}

/** Whether there is a transport in front. */
function isSource(text: string): boolean {
  try {
    parseImageReference(text);
    return true;
  } catch (error) {
    if (error instanceof OciRefError) return false;
    throw error;
  }
}

async function printIfTagged(
  repository: Repository | undefined,
  name: string,
  values: FormValues,
  context: CommandContext,
): Promise<boolean> {
  if (repository === undefined || findTag(repository, name) === undefined) return false;
  await printStored(repository, name, values, context);
  return true;
}

async function printStored(repository: Repository, name: string, values: FormValues, context: CommandContext): Promise<void> {
  if (values.manifest || values.config) {
    const { manifestRaw, configRaw } = await openImage(repository, name);
    await context.printRaw([values.manifest ? manifestRaw : configRaw, '\n']);
    return;
  }
  const format = requestedFormat(values);
  const inspected = await inspectImage(repository, name, format === undefined ? {} : { format });
  await printJson(toJson(inspected, values.parsed), context);
}

async function printSource({ manifestRaw, configRaw, facts }: InspectedSource, values: FormValues, context: CommandContext): Promise<void> {
  if (values.manifest || values.config) {
    await context.printRaw([values.manifest ? manifestRaw : configRaw, '\n']);
    return;
  }
  const [manifest, config] = [documentText(manifestRaw, 'manifest'), documentText(configRaw, 'config')];
  const documents = values.parsed ? { manifest: parseDocument(manifest), config: parseDocument(config) } : { manifest, config };
  await printJson({ ...documents, ...facts }, context);
}

async function printJson(result: unknown, context: CommandContext): Promise<void> {
  await context.print({ json: () => result, text: () => [formatJson(result, { indent: true }).trimEnd()] });
}

/** @throws {CliError} MISMATCH */
function documentText(bytes: Uint8Array, what: string): string {
  const text = decodeUtf8(bytes);
  if (text !== undefined) return text;
  throw new CliError('MISMATCH', `the ${what} is not UTF-8, so it cannot be shown in JSON; use --${what}`);
}

function toJson(image: ImageInspection, parsed: boolean): unknown {
  return {
    manifest: parsed ? parseDocument(image.manifest) : image.manifest,
    config: parsed ? parseDocument(image.config) : image.config,
    referrers: image.referrers,
    composefs_erofs: image.composefsErofs ?? null,
    composefs_boot_erofs: image.composefsBootErofs ?? null,
    resolved: image.resolved.kind,
    manifest_digest: image.manifestDigest,
  };
}

/** The config of an artifact may be any text. */
function parseDocument(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
