import { UsageError } from '@cfskit/cli-kit';
import { OciRefError, parseImageReference } from '@cfskit/oci-ref';

const image = {
  type: 'string',
  value: 'REF',
  description: 'The image, as ocirender has it: without a transport it is in a registry',
} as const;

/** How ocirender says which image. */
export const imageOption: { readonly image: typeof image } = { image };

/**
 * The source that was given in one of the two ways.
 *
 * @param what how the help calls the argument
 * @throws {UsageError} none, or two
 */
export function imageOrArgument(option: string | undefined, argument: string | undefined, what: string): string {
  if (option === undefined && argument === undefined) throw new UsageError(`missing ${what}`);
  if (option !== undefined && argument !== undefined) throw new UsageError(`unexpected argument '${argument}' beside --image`);
  if (option === '') throw new UsageError('--image: the reference is empty');
  return option === undefined ? argument! : withTransport(option);
}

/** ocirender has names of registries only: `host:5000/name` is none of ours with a transport. */
function withTransport(text: string): string {
  try {
    parseImageReference(text);
    return text;
  } catch (error) {
    if (error instanceof OciRefError) return `docker://${text}`;
    throw error;
  }
}
