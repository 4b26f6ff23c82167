import { platformCases, type PlatformCaseEntry as Entry } from '@cfskit/fixtures';
import { describe, expect, it } from 'vitest';
import { chooseManifest, digestOf, mediaTypes, parseIndex, parsePlatform, type Descriptor, type Platform } from '../src/index.ts';
import { LayoutBuilder, memoryImageSource, type SourceContent } from '../src/testing/index.ts';

const cases = platformCases();

const platformFree = { architecture: 'amd64', os: 'linux' };

/** Builds an entry; `at` makes every manifest another one and is how it is recognised. */
function build(builder: LayoutBuilder, entry: Entry, at: readonly number[]): Descriptor {
  const mediaType =
    entry.media_type === 'manifest' ? mediaTypes.manifest : entry.media_type === 'index' ? mediaTypes.index : entry.media_type;
  const platform = entry.platform === undefined ? {} : { platform: entry.platform };
  if (entry.children !== undefined) {
    const children = entry.children.map((child, i) => build(builder, child, [...at, i]));
    return { ...builder.index(children), ...platform };
  }
  const config = builder.json(
    { ...(entry.config_platform ?? entry.platform ?? platformFree), rootfs: { type: 'layers', diff_ids: [] } },
    entry.config_media_type ?? mediaTypes.config,
  );
  return { ...builder.manifest(config, [], { annotations: { at: JSON.stringify(at) } }), mediaType, ...platform };
}

function layout(entries: readonly Entry[]): SourceContent {
  const builder = new LayoutBuilder();
  for (const [i, entry] of entries.entries()) {
    builder.add(build(builder, entry, [i]), entry.ref_name === undefined ? {} : { tag: entry.ref_name });
  }
  return builder.content();
}

async function choose(content: SourceContent, platform: Platform, tag?: string, onWarning?: (text: string) => void) {
  const options = { platform, ...(tag !== undefined && { tag }), ...(onWarning !== undefined && { onWarning }) };
  const resolved = await chooseManifest(parseIndex(content.index), memoryImageSource(content), options);
  expect(digestOf(resolved.raw)).toBe(resolved.descriptor.digest);
  const { annotations } = JSON.parse(new TextDecoder().decode(resolved.raw)) as { annotations: { at: string } };
  return { at: JSON.parse(annotations.at) as number[], ...resolved };
}

const amd64 = parsePlatform('linux/amd64');
const manifest = (platform: string, ref_name?: string): Entry => ({
  media_type: 'manifest',
  platform: parsePlatform(platform),
  ...(ref_name !== undefined && { ref_name }),
});

// Where this reader does more than the one the vectors come from.
const beyond: ReadonlyMap<string, readonly number[]> = new Map([
  ['index in index', [0, 0, 0]],
  ['docker manifest type', [0]],
]);

describe('cases of the layout reader of composefs-rs', () => {
  const found = cases.filter(({ name, expected }) => expected.ok !== undefined || beyond.has(name));
  it.each(found)('$name', async ({ name, index, native, tag, expected }) => {
    const { at } = await choose(layout(index), native, tag ?? undefined);
    expect(at).toEqual(beyond.get(name) ?? [expected.ok].flat());
  });
  const refused = cases.filter(({ name, expected }) => expected.error !== undefined && !beyond.has(name));
  it.each(refused)('$name', async ({ index, native, tag, expected }) => {
    await expect(choose(layout(index), native, tag ?? undefined)).rejects.toThrow(expected.error);
  });
  it('are all there', () => {
    expect([found.length + refused.length, cases.length]).toEqual([24, 24]);
  });
});

describe('what is given back', () => {
  it('names the index that was asked for, however deep the manifest lies', async () => {
    const content = layout([
      { media_type: 'index', ref_name: 'a', children: [{ media_type: 'index', children: [manifest('linux/amd64')] }] },
    ]);
    const top = parseIndex(content.index).manifests.at(0)!;
    expect(await choose(content, amd64, 'a')).toMatchObject({ at: [0, 0, 0], indexDigest: top.digest, platform: amd64 });
  });
  it('has the platform of the config where the entry has none, and no index digest', async () => {
    const config_platform = parsePlatform('linux/arm/v7');
    const resolved = await choose(layout([{ media_type: 'manifest', config_platform }]), parsePlatform('linux/arm'));
    expect(resolved.platform).toEqual(config_platform);
    expect(resolved).not.toHaveProperty('indexDigest');
  });
});

describe('variants', () => {
  const arms = layout(['linux/arm/v5', 'linux/arm64/v8', 'linux/arm/v6', 'linux/arm/v7'].map((platform) => manifest(platform)));
  it.each([
    ['linux/arm', [0]],
    ['linux/arm/v5', [0]],
    ['linux/arm/v6', [2]],
    ['linux/arm/v7', [3]],
    ['linux/arm/v8', [3]],
    ['linux/arm64', [1]],
    ['linux/arm64/v8', [1]],
  ])('%s takes entry %j', async (platform, at) => {
    expect((await choose(arms, parsePlatform(platform))).at).toEqual(at);
  });
  it('are listed when one was asked for', async () => {
    await expect(choose(arms, parsePlatform('linux/amd64/v3'))).rejects.toThrow(
      'No manifest found for platform linux/amd64/v3; available: linux/arm/v5, linux/arm64/v8, linux/arm/v6, linux/arm/v7',
    );
  });
  it('are compared across nested indexes', async () => {
    const content = layout([
      { media_type: 'index', children: [manifest('linux/arm/v5')] },
      { media_type: 'index', children: [manifest('linux/arm/v7')] },
    ]);
    expect((await choose(content, parsePlatform('linux/arm/v7'))).at).toEqual([1, 0]);
  });
});

describe('what is refused', () => {
  it('names the tags there are', async () => {
    const entries = Array.from({ length: 12 }, (_, i) => manifest('linux/amd64', `t${i}`));
    await expect(choose(layout(entries), amd64, 'x')).rejects.toMatchObject({
      code: 'TAG_NOT_FOUND',
      message: `Tag 'x' not found in image index; available: t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, ...`,
    });
    await expect(choose(layout([manifest('linux/amd64')]), amd64, '')).rejects.toThrow('available: (no tags)');
  });
  it('names ten platforms at most', async () => {
    const ten = Array.from({ length: 10 }, (_, i) => manifest(`linux/a${i}`));
    const list = 'linux/a0, linux/a1, linux/a2, linux/a3, linux/a4, linux/a5, linux/a6, linux/a7, linux/a8, linux/a9';
    await expect(choose(layout(ten), amd64)).rejects.toMatchObject({
      code: 'NO_MATCH',
      message: expect.stringMatching(`${list}$`) as unknown,
    });
    await expect(choose(layout([...ten, manifest('linux/b')]), amd64)).rejects.toThrow(`${list}, ...`);
  });
  it('names the platform of a config, too', async () => {
    const config_platform = parsePlatform('linux/arm64');
    await expect(choose(layout([{ media_type: 'manifest', config_platform }]), amd64)).rejects.toThrow('available: linux/arm64');
  });
  it('four nested indexes are allowed, five are not', async () => {
    const nest = (depth: number): Entry => (depth === 0 ? manifest('linux/amd64') : { media_type: 'index', children: [nest(depth - 1)] });
    expect((await choose(layout([nest(4)]), amd64)).at).toHaveLength(5);
    await expect(choose(layout([nest(5)]), amd64)).rejects.toMatchObject({ code: 'NESTED_INDEX' });
  });
  it('an unknown media type before the match, but not behind it', async () => {
    const odd = { media_type: 'text/plain' };
    await expect(choose(layout([odd, manifest('linux/amd64')]), amd64)).rejects.toMatchObject({
      code: 'UNEXPECTED_MEDIA_TYPE',
      message: expect.stringContaining('Unexpected media type text/plain') as unknown,
    });
    expect((await choose(layout([manifest('linux/amd64'), odd]), amd64)).at).toEqual([0]);
  });
  it.each([
    ['index', 'index'],
    ['manifest', 'manifest'],
  ])('a damaged %s', async (_, media_type) => {
    const entry: Entry = media_type === 'index' ? { media_type, children: [manifest('linux/amd64')] } : { media_type };
    const { index, blobs } = layout([entry]);
    const { digest } = parseIndex(index).manifests.at(0)!;
    const bytes = blobs.get(digest)!.slice();
    bytes[5] = bytes[5] === 0x20 ? 0x21 : 0x20;
    await expect(choose({ index, blobs: new Map(blobs).set(digest, bytes) }, amd64)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      expected: digest,
    });
  });
});

const artifact = (ref_name: string): Entry => ({ media_type: 'manifest', config_media_type: mediaTypes.empty, ref_name });

describe('an artifact without platform', () => {
  it('is taken if its tag stands on nothing else', async () => {
    const content = layout([manifest('linux/amd64', 'b'), artifact('a')]);
    const resolved = await choose(content, amd64, 'a');
    expect(resolved.at).toEqual([1]);
    expect(resolved).not.toHaveProperty('platform');
  });
  it('is not taken if there are two', async () => {
    await expect(choose(layout([artifact('a'), artifact('a')]), amd64, 'a')).rejects.toMatchObject({ code: 'NO_MATCH' });
  });
  it('never wins over an image', async () => {
    expect((await choose(layout([artifact('a'), manifest('linux/amd64', 'a')]), amd64, 'a')).at).toEqual([1]);
  });
});

async function warnings(content: SourceContent, tag?: string): Promise<string[]> {
  const texts: string[] = [];
  await choose(content, amd64, tag, (text) => texts.push(text));
  return texts;
}

describe('the warning about other images', () => {
  it('is given once, when no tag was asked for', async () => {
    const content = layout([
      manifest('linux/amd64', 'a'),
      manifest('linux/arm64', 'x'),
      manifest('linux/amd64', 'b'),
      manifest('linux/amd64', 'c'),
    ]);
    expect(await warnings(content)).toEqual(['no tag given, taking "a" for linux/amd64; "b" would match as well']);
    expect(await warnings(content, 'a')).toEqual([]);
  });
  it('knows images by their configs and through indexes', async () => {
    const bare: Entry = { media_type: 'manifest', ref_name: 'b', config_platform: amd64 };
    expect(await warnings(layout([manifest('linux/amd64'), bare]))).toEqual([
      'no tag given, taking the first image for linux/amd64; "b" would match as well',
    ]);
    const nested: Entry = { media_type: 'index', ref_name: 'n', children: [manifest('linux/amd64')] };
    expect(await warnings(layout([manifest('linux/amd64', 'a'), nested]))).toHaveLength(1);
    expect(await warnings(layout([nested, manifest('linux/arm64', 'a')]))).toEqual([]);
  });
  it('is not about a second name of the same manifest', async () => {
    const builder = new LayoutBuilder();
    const image = build(builder, manifest('linux/amd64'), [0]);
    builder.add(builder.index([image]), { tag: 'index' });
    builder.add(image, { tag: 'manifest' });
    expect(await warnings(builder.content())).toEqual([]);
  });
  it('is not about what cannot be read', async () => {
    const bare: Entry = { media_type: 'manifest', ref_name: 'b' };
    const { index, blobs } = layout([manifest('linux/amd64', 'a'), bare, { media_type: 'text/plain', ref_name: 'c' }]);
    const without = new Map(blobs);
    without.delete(parseIndex(index).manifests.at(1)!.digest);
    expect(await warnings({ index, blobs: without })).toEqual([]);
  });
});

it('judges every blob once, so that an index of many equal entries costs nothing', async () => {
  const builder = new LayoutBuilder();
  const image = builder.image([], parsePlatform('linux/arm64'));
  let nested = builder.index(Array.from({ length: 200 }, () => image));
  for (let depth = 1; depth < 4; depth++) nested = builder.index(Array.from({ length: 200 }, () => nested));
  const content = builder.add(nested).content();
  const source = memoryImageSource(content);
  const opened: string[] = [];
  const counting = {
    open(descriptor: Descriptor) {
      opened.push(descriptor.digest);
      return source.open(descriptor);
    },
  };
  await expect(chooseManifest(parseIndex(content.index), counting, { platform: amd64 })).rejects.toMatchObject({ code: 'NO_MATCH' });
  expect(opened).toHaveLength(6); // four indexes, a manifest, a config
});
