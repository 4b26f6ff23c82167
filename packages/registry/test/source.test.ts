import { artifact, image, imageIndex } from '@cfskit/fixtures';
import { loadImage, mediaTypes, parseIndex, parsePlatform, tagsOf, type Descriptor, type ImageSource } from '@cfskit/oci-spec';
import { imageSourceChecks, type SourceContent } from '@cfskit/oci-spec/testing';
import { describe, expect, it } from 'vitest';
import type { TestRepository } from '../src/testing/index.ts';
import { failure, store, testClient, testRegistry } from './support.ts';

const AMD64 = parsePlatform('linux/amd64');
const ARM64 = parsePlatform('linux/arm64');

/** A layout's content as a repository: manifests and blobs as the layout has them, right or wrong. */
async function make({ index, blobs }: SourceContent): Promise<ImageSource> {
  const registry = await testRegistry();
  const repository = registry.repository('a/b');
  for (const entry of parseIndex(index).manifests) {
    addManifest(repository, entry, blobs);
    repository.tags.set(tagsOf({ schemaVersion: 2, manifests: [entry] }).at(0)!, entry.digest);
  }
  for (const [digest, bytes] of blobs) repository.blobs.set(digest, bytes);
  return testClient().source(`${registry.registry}/a/b`);
}

function addManifest(repository: TestRepository, { digest, mediaType }: Descriptor, blobs: SourceContent['blobs']): void {
  const bytes = blobs.get(digest)!;
  repository.manifests.set(digest, { mediaType, bytes });
  if (mediaType === mediaTypes.index) for (const entry of parseIndex(bytes).manifests) addManifest(repository, entry, blobs);
}

describe('ImageSource', () => {
  it.each(imageSourceChecks(make))('$name', async ({ run }) => expect(await run()).toBeUndefined());
});

const amd64 = image({ platform: AMD64 });
const arm64 = image({ platform: { ...ARM64, variant: 'v8' } });
const multi = imageIndex([
  { image: amd64, platform: AMD64 },
  { image: arm64, platform: { ...ARM64, variant: 'v8' } },
]);

describe('RegistrySource', () => {
  it('describes itself by the whole name', () => {
    const client = testClient();
    expect(client.source('alpine:3').describe()).toBe('docker://docker.io/library/alpine:3');
    expect(client.source('localhost:5000/a').describe()).toBe('docker://localhost:5000/a');
  });

  it('tells the index as well as the manifest', async () => {
    const registry = await testRegistry();
    store(registry.repository('a'), multi, 'v1');
    const resolved = await testClient().source(`${registry.registry}/a:v1`).resolve({ platform: ARM64 });
    expect(resolved.descriptor.digest).toBe(arm64.descriptor.digest);
    expect(resolved.indexDigest).toBe(multi.descriptor.digest);
    expect(resolved.index?.raw).toEqual(multi.bytes);
    expect(resolved.platform).toEqual({ ...ARM64, variant: 'v8' });
  });

  it('follows an index inside an index, and names the one that was asked for', async () => {
    const registry = await testRegistry();
    const outer = imageIndex([{ image: multi }]);
    store(registry.repository('a'), outer, 'v1');
    const resolved = await testClient().source(`${registry.registry}/a:v1`).resolve({ platform: ARM64 });
    expect([resolved.descriptor.digest, resolved.indexDigest]).toEqual([arm64.descriptor.digest, outer.descriptor.digest]);
  });

  it('looks into configs where an index names no platforms', async () => {
    const registry = await testRegistry();
    store(registry.repository('a'), imageIndex([{ image: amd64 }, { image: arm64 }]), 'v1');
    const resolved = await testClient().source(`${registry.registry}/a:v1`).resolve({ platform: ARM64 });
    expect(resolved.descriptor.digest).toBe(arm64.descriptor.digest);
  });

  it('goes by the digest of the name, unless it is asked for a tag', async () => {
    const registry = await testRegistry();
    store(registry.repository('a'), amd64, 'one');
    store(registry.repository('a'), arm64, 'two');
    const source = testClient().source(`${registry.registry}/a:one@${arm64.descriptor.digest}`);
    expect((await source.resolve({ platform: ARM64 })).descriptor.digest).toBe(arm64.descriptor.digest);
    expect((await source.resolve({ tag: 'one', platform: AMD64 })).descriptor.digest).toBe(amd64.descriptor.digest);
    expect((await source.resolve({ tag: arm64.descriptor.digest, platform: ARM64 })).descriptor.digest).toBe(arm64.descriptor.digest);
  });

  it('refuses a single image for another platform than the one asked for', async () => {
    const registry = await testRegistry();
    store(registry.repository('a'), amd64, 'v1');
    const error = await failure(testClient().source(`${registry.registry}/a:v1`).resolve({ platform: ARM64 }));
    expect(error).toMatchObject({ code: 'NO_MATCH', message: 'No manifest found for platform linux/arm64; available: linux/amd64' });
  });

  it('takes it with a warning where none was asked for', async () => {
    const registry = await testRegistry();
    store(registry.repository('a'), image({ platform: { os: 'plan9', architecture: 'mips' } }), 'v1');
    const warnings: string[] = [];
    const resolved = await testClient()
      .source(`${registry.registry}/a:v1`)
      .resolve({ onWarning: (text) => void warnings.push(text) });
    expect(resolved.platform).toEqual({ os: 'plan9', architecture: 'mips' });
    expect(warnings).toEqual([`docker://${registry.registry}/a:v1 is an image for plan9/mips alone`]);
  });

  it('lists the tags when there is no such tag, ten at most', async () => {
    const registry = await testRegistry();
    const repository = registry.repository('a');
    expect((await failure(testClient().source(`${registry.registry}/a`).resolve())).message).toContain('available: (no tags)');
    for (let i = 1; i <= 11; i++) store(repository, amd64, `v${i}`);
    const error = await failure(testClient().source(`${registry.registry}/a`).resolve());
    expect(error).toMatchObject({ code: 'MANIFEST_UNKNOWN', status: 404 });
    expect(error.message).toMatch(/; available: v1, v2, .*, v10, \.\.\.$/);
  });

  it('asks for no document twice while an image is loaded', async () => {
    const registry = await testRegistry();
    store(registry.repository('a'), amd64, 'v1');
    await loadImage(testClient().source(`${registry.registry}/a:v1`), { platform: AMD64 });
    expect(registry.requests.map(({ path }) => path)).toEqual([
      '/v2/a/manifests/v1',
      `/v2/a/blobs/${amd64.blobs.at(1)!.descriptor.digest}`,
    ]);
  });

  it('does not confuse an artifact with an image', async () => {
    const registry = await testRegistry();
    store(registry.repository('a'), artifact({ artifactType: 'application/x' }), 'v1');
    expect((await testClient().source(`${registry.registry}/a:v1`).resolve({ platform: ARM64 })).platform).toBeUndefined();
  });
});
