import { UsageError, type CommandContext, type GlobalValues, type OptionValues } from '@cfskit/cli-kit';
import type { SourceValues } from './convert-source.ts';
import { destination, type Destination } from './destination.ts';
import { imageOrArgument } from './ocirender-image.ts';

/** What ocirender's `pull` says: which image, and the one output. Options about the repository mean nothing then. */
export const pullOutputOptions = {
  image: {
    type: 'string',
    value: 'REF',
    description: 'The image for one --output-…, as ocirender has it: without a transport it is in a registry. No repository is touched',
    conflicts: ['no-image', 'xattrs', 'expect-id', 'expect-manifest', 'max-ratio'],
  },
  'output-squashfs': {
    type: 'string',
    value: 'FILE',
    description: 'With --image: make a squashfs image',
    conflicts: ['output-tar', 'output-dir'],
  },
  'output-tar': { type: 'string', value: 'FILE', description: 'With --image: make a tar', conflicts: ['output-dir'] },
  'output-dir': { type: 'string', value: 'DIR', description: 'With --image: unpack into a directory' },
} as const;

type OutputValues = OptionValues<typeof pullOutputOptions>;

/** Whether it is ocirender's `pull`. */
export function isPullOutput(values: OutputValues): boolean {
  return Object.keys(pullOutputOptions).some((name) => values[name as keyof OutputValues] !== undefined);
}

/**
 * Convert an image, as ocirender's `pull` does.
 *
 * @param source the argument, which there must not be
 * @throws {UsageError} and as `convertSource`
 */
export async function pullOutput(
  values: OutputValues & SourceValues & GlobalValues & { readonly jobs: number | undefined },
  source: string | undefined,
  context: CommandContext,
): Promise<void> {
  if (values.image === undefined) throw new UsageError('--output-…: wanted --image REF beside it; convert takes a SOURCE');
  const image = imageOrArgument(values.image, source, 'SOURCE');
  // What renders is loaded when it is needed: other pulls share these options only.
  const [{ convertSource }, { convertDefaults }] = await Promise.all([import('./convert-source.ts'), import('./options.ts')]);
  await convertSource(image, outputOf(values, context.world.cwd), { ...convertDefaults(), ...values }, context);
}

function outputOf(values: OutputValues, cwd: string): Destination {
  for (const kind of ['squashfs', 'tar', 'dir'] as const) {
    const path = values[`output-${kind}`];
    if (path === '') throw new UsageError(`--output-${kind}: the path is empty`);
    if (path !== undefined) return destination(kind, path, cwd);
  }
  throw new UsageError('missing --output-squashfs FILE, --output-tar FILE or --output-dir DIR beside --image');
}
