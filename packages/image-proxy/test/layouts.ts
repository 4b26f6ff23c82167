import type { SourceContent } from '@cfskit/oci-spec/testing';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Writes what a `LayoutBuilder` has built as a layout. */
export async function writeContent(directory: string, { index, blobs }: SourceContent): Promise<void> {
  const files = [...blobs].map(([digest, bytes]) => [`blobs/${digest.replace(':', '/')}`, bytes] as const);
  const header = new TextEncoder().encode('{"imageLayoutVersion":"1.0.0"}');
  for (const [path, bytes] of [['oci-layout', header] as const, ['index.json', index] as const, ...files]) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), bytes);
  }
}
