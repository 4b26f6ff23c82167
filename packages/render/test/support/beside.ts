import { chmodSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withTempDir } from '@cfskit/fixtures';
import { expect } from 'vitest';
import { convertDir, type DirectorySpec, type RenderImage } from '../../src/index.ts';
import { codesOf } from './images.ts';

/**
 * Unpack an image into a directory, with another one beside it, `outside`, that must stay as it is.
 *
 * @returns the codes of the error and of what caused it, if there was one; otherwise none
 */
export async function beside(
  image: RenderImage,
  options: Omit<DirectorySpec, 'kind' | 'to'> = {},
  { prepare, look }: { readonly prepare?: (to: string) => void; readonly look?: (to: string) => void } = {},
): Promise<string[]> {
  return withTempDir(async (directory) => {
    const to = join(directory, 'to');
    const outside = join(directory, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'secret'), 'secret');
    chmodSync(join(outside, 'secret'), 0o640);
    prepare?.(to);
    const error = await convertDir(image, to, options).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect([
      readdirSync(outside),
      readFileSync(join(outside, 'secret'), 'utf8'),
      (lstatSync(join(outside, 'secret')).mode & 0o7777).toString(8),
    ]).toEqual([['secret'], 'secret', '640']);
    expect(
      readdirSync(directory)
        .toSorted()
        .filter((name) => name !== 'to'),
    ).toEqual(['outside']);
    if (error !== undefined) return codesOf(error);
    look?.(to);
    return [];
  });
}
