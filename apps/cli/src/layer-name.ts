import { UsageError } from '@cfskit/cli-kit';
import { readValue } from '@cfskit/cli-kit/images';
import { parseStoredReference } from '@cfskit/oci-ref';
import { MIN_PREFIX } from './digest-prefix.ts';

/** How the help describes a layer's name. */
export const DIFF_ID_TEXT: string = 'The diff_id of a stored layer, sha256:… with or without @, or its first 12 hex digits or more';

/**
 * Check what was typed for a layer, before the repository is opened.
 *
 * @throws {UsageError} it is neither a digest nor the beginning of one
 */
export function checkLayerName(text: string): void {
  const reference = readValue('DIFF_ID', () => parseStoredReference(text));
  if (reference.kind === 'tag' && reference.prefix === undefined)
    throw new UsageError(`DIFF_ID: wanted a digest such as sha256:…, or its first ${MIN_PREFIX} hex digits or more, found '${text}'`);
}
