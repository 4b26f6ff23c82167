import { defineCommand, formatJson, type Command } from '@cfskit/cli-kit';
import { inspectImage, openImage, type ImageInspection } from '@cfskit/oci-import';
import { parseStoredReference } from '@cfskit/oci-ref';
import { readValue } from '../bad-value.ts';
import { withRepository } from '../open-repository.ts';
import { IMAGE_REF_TEXT } from '../image-ref.ts';

export const ociInspect: Command = defineCommand({
  summary: 'Print manifest, config and referrers of a stored image',
  details: 'The result is JSON with and without --json. Manifest and config are texts, exactly as stored, or objects with --parsed.',
  arguments: { image: { name: 'REF', description: IMAGE_REF_TEXT } },
  options: {
    manifest: { type: 'boolean', description: 'Print the stored manifest and a newline', conflicts: ['config', 'parsed', 'json'] },
    config: { type: 'boolean', description: 'Print the stored config and a newline', conflicts: ['parsed', 'json'] },
    parsed: { type: 'boolean', description: 'Print manifest and config as objects instead of texts' },
  },
  examples: [
    ['inspect demo --parsed', 'everything that is known'],
    ['inspect @sha256:9f2c… --config', 'the config, byte for byte'],
  ],
  run({ values, args }, context) {
    readValue('REF', () => parseStoredReference(args.image));
    return withRepository(values, context, async (repository) => {
      if (values.manifest || values.config) {
        const { manifestRaw, configRaw } = await openImage(repository, args.image);
        await context.printRaw([values.manifest ? manifestRaw : configRaw, '\n']);
        return;
      }
      const result = toJson(await inspectImage(repository, args.image), values.parsed);
      await context.print({ json: () => result, text: () => [formatJson(result, { indent: true }).trimEnd()] });
    });
  },
});

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
