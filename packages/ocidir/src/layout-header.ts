import { OciSpecError, parseJson } from '@cfskit/oci-spec';
import { OciDirError } from './errors.ts';
import type { ReadLayoutFile } from './layout-store.ts';

/** The file that says that a directory is a layout, and the only version there is. */
export const LAYOUT_HEADER = 'oci-layout';
export const LAYOUT_VERSION = '1.0.0';

const MAX_HEADER_SIZE = 4096;

/** What is wrong with the `oci-layout` file, in a sentence; undefined if nothing is. */
export async function complaintAboutHeader(read: ReadLayoutFile): Promise<string | undefined> {
  try {
    const bytes = await read(LAYOUT_HEADER, MAX_HEADER_SIZE);
    if (bytes === undefined) return `no ${LAYOUT_HEADER} file in the layout`;
    const version = versionIn(parseJson(bytes));
    return version === LAYOUT_VERSION ? undefined : `${LAYOUT_HEADER}: wanted version ${LAYOUT_VERSION}, found ${JSON.stringify(version)}`;
  } catch (error) {
    if (error instanceof OciDirError || error instanceof OciSpecError) return `${LAYOUT_HEADER} cannot be read: ${error.message}`;
    throw error;
  }
}

function versionIn(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'imageLayoutVersion' in value ? value.imageLayoutVersion : null;
}
