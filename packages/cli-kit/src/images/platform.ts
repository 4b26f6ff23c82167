import { parsePlatform, type Platform } from '@cfskit/oci-spec';
import { readValue } from './read-value.ts';
import { UsageError } from '../errors.ts';

/**
 * The value of `--platform`.
 *
 * @param whole what to do instead of asking for all of them
 * @throws {UsageError}
 */
export function readPlatform(text: string | undefined, whole = 'name one platform'): Platform | undefined {
  if (text === 'all') throw new UsageError(`--platform all: ${whole}`);
  return text === undefined ? undefined : readValue('--platform', () => parsePlatform(text));
}
