import { MAX_JSON_SIZE, OciSpecError, parseIndex, type Index, type Parsed } from '@cfskit/oci-spec';
import { OciDirError } from './errors.ts';
import type { ReadLayoutFile } from './layout-store.ts';

/** The file that lists what is in a layout. */
export const LAYOUT_INDEX = 'index.json';

/**
 * The index of a layout.
 *
 * @returns undefined if there is none
 * @throws {OciDirError} INVALID_INDEX with the reason as `cause`, TOO_LARGE, NOT_A_FILE, OUTSIDE_LAYOUT
 */
export async function readLayoutIndex(read: ReadLayoutFile): Promise<Parsed<Index> | undefined> {
  const bytes = await read(LAYOUT_INDEX, MAX_JSON_SIZE);
  if (bytes === undefined) return undefined;
  try {
    return parseIndex(bytes);
  } catch (cause) {
    if (!(cause instanceof OciSpecError)) throw cause;
    throw new OciDirError('INVALID_INDEX', LAYOUT_INDEX, `${LAYOUT_INDEX} cannot be read`, { cause });
  }
}
