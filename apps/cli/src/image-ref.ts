import { UsageError } from '@cfskit/cli-kit';
import { readValue } from '@cfskit/cli-kit/images';
import { parseStoredReference } from '@cfskit/oci-ref';

/** How the help describes the name of a stored image. */
export const IMAGE_REF_TEXT: string =
  'Stored image: a tag, or the digest of its manifest or config, with or without @, or the first 12 hex digits or more of one';

/**
 * Check what was typed for a stored image, before anything is opened.
 *
 * @param what how the help calls the argument
 * @throws {UsageError} it is empty, or begins with `@` and is no digest
 */
export function checkImageRef(text: string, what = 'REF'): void {
  if (text === '') throw new UsageError(`${what}: the name is empty`);
  readValue(what, () => parseStoredReference(text));
}
