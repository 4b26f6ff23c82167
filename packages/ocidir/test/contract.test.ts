import { imageSourceChecks } from '@cfskit/oci-spec/testing';
import { withTempDir, writeLayout } from '@cfskit/fixtures';
import type { ImageSource } from '@cfskit/oci-spec';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openOciDir } from '../src/index.ts';
import { blobFiles } from './layouts.ts';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'ocidir-contract-'));
});
afterAll(() => rm(scratch, { recursive: true }));

let count = 0;
async function make(content: { index: Uint8Array; blobs: ReadonlyMap<string, Uint8Array> }): Promise<ImageSource> {
  const directory = join(scratch, String(count++));
  await writeLayout(directory, { 'index.json': content.index, ...blobFiles(content.blobs) });
  return await openOciDir(directory);
}

describe('ImageSource', () => {
  it.each(imageSourceChecks(make))('$name', async ({ run }) => expect(await run()).toBeUndefined());
});

it('describes itself as the reference that was given, in one line', async () => {
  await withTempDir(async (directory) => {
    await writeLayout(directory, {});
    expect((await openOciDir(directory)).describe()).toBe(`oci:${directory}`);
    expect((await openOciDir(directory, { tag: 'v1' })).describe()).toBe(`oci:${directory}:v1`);
    expect((await openOciDir(directory, { tag: 'a\nb' })).describe()).toBe(`oci:${directory}:a?b`);
  });
});
