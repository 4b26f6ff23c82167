import { artifact, image, imageConfig, imageIndex, jsonBlob, layoutFiles, tar, tarLayer, withTempDir, writeLayout } from '@cfskit/fixtures';
import { mediaTypes, nativePlatform, parsePlatform } from '@cfskit/oci-spec';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openOciDir } from '../src/index.ts';
import { chain, failure, withLayout } from './layouts.ts';

const AMD64 = parsePlatform('linux/amd64');
const ARM64 = parsePlatform('linux/arm64');
const native = image({ platform: nativePlatform(process) });
const layer = tarLayer(tar([{ path: 'a' }]), 'none');

describe('openOciDir', () => {
  it.each([
    ['nothing', 'missing', 'Opening OCI layout directory '],
    ['a file', 'file', 'Opening OCI layout directory '],
    ['an empty directory', 'empty', 'Opening OCI directory '],
  ])('refuses %s', async (_, name, text) => {
    await withTempDir(async (directory) => {
      await mkdir(join(directory, 'empty'));
      await writeFile(join(directory, 'file'), '');
      const path = join(directory, name);
      const error = await failure(openOciDir(path));
      expect(error).toMatchObject({ name: 'OciDirError', code: 'NOT_A_LAYOUT', path });
      expect(chain(error)).toContain(text + path);
    });
  });

  it('says what skopeo would have meant', async () => {
    await withLayout([], async (_, directory) => {
      const error = await failure(openOciDir(`${directory}:quay.io/a/b`, { tag: 'latest' }));
      expect(chain(error)).toContain(`Opening OCI layout directory ${directory}:quay.io/a/b; there is a layout in ${directory}`);
      expect(chain(error)).toContain(`its tag would be 'quay.io/a/b:latest'`);
      expect(chain(await failure(openOciDir(`${directory}:a/b`)))).toContain(`its tag would be 'a/b'`);
      expect(chain(await failure(openOciDir(`${directory}-no:a/b`)))).not.toContain('there is a layout');
    });
  });

  it('says how to name a directory that ends like a tag', async () => {
    await withTempDir(async (directory) => {
      await writeLayout(join(directory, 'dir:latest'), layoutFiles([{ image: native }]));
      const error = await failure(openOciDir(join(directory, 'dir'), { tag: 'latest' }));
      expect(chain(error)).toContain(`write oci:${directory}/dir:latest/`);
      const layout = await openOciDir(join(directory, 'dir:latest/'));
      expect((await layout.resolve()).descriptor.digest).toBe(native.descriptor.digest);
    });
  });

  it('takes a relative path, a symbolic link and a layout with sha512 alone', async () => {
    await withTempDir(async (directory) => {
      await writeLayout(join(directory, 'real'), layoutFiles([{ image: native }]));
      await symlink('real', join(directory, 'link'));
      expect(await (await openOciDir(relative(process.cwd(), join(directory, 'link')))).tags()).toEqual([]);
      await mkdir(join(directory, 'other/blobs/sha512'), { recursive: true });
      expect((await openOciDir(join(directory, 'other'))).path).toBe(join(directory, 'other'));
    });
  });
});

describe('the oci-layout file', () => {
  it.each([
    ['another version', '{"imageLayoutVersion":"2.0.0"}', 'wanted version 1.0.0, found "2.0.0"'],
    ['no version', '{}', 'wanted version 1.0.0, found null'],
    ['no JSON', 'x', 'cannot be read'],
    ['a large file', ' '.repeat(5000), 'cannot be read'],
    ['no file', undefined, 'no oci-layout file'],
  ])('is warned of or, if strict, refused: %s', async (_, content, text) => {
    const warnings: string[] = [];
    const change = (files: Readonly<Record<string, Uint8Array>>): Record<string, Uint8Array> => {
      const { 'oci-layout': old, ...rest } = files;
      return content === undefined || old === undefined ? rest : { ...rest, 'oci-layout': new TextEncoder().encode(content) };
    };
    const work = withLayout(
      [{ image: native }],
      async (layout, directory) => {
        await layout.resolve({ onWarning: (warning) => warnings.push(warning) });
        expect(warnings).toEqual([expect.stringContaining(text)]);
        expect(await failure(openOciDir(directory, { strict: true }))).toMatchObject({ code: 'LAYOUT_VERSION' });
      },
      { change },
    );
    await expect(work).resolves.toBeUndefined();
  });

  it('gives no warning when it is right', async () => {
    await withLayout([{ image: native }], async (layout) => {
      const warnings: string[] = [];
      await layout.resolve({ onWarning: (warning) => warnings.push(warning) });
      expect(warnings).toEqual([]);
    });
  });
});

describe('resolve', () => {
  it('takes the platform of this machine if not told', async () => {
    const foreign = image({ platform: { os: 'linux', architecture: 'elsewhere' } });
    await withLayout([{ image: foreign }, { image: native }], async (layout) => {
      expect((await layout.resolve()).descriptor.digest).toBe(native.descriptor.digest);
    });
  });

  it('takes the tag it was opened with, and another if told', async () => {
    const other = image({ platform: nativePlatform(process), layers: [layer] });
    const entries = [
      { image: native, tag: 'a' },
      { image: other, tag: 'b' },
    ];
    await withLayout(entries, async (layout) => expect((await layout.resolve()).descriptor.digest).toBe(other.descriptor.digest), {
      tag: 'b',
    });
    await withLayout(
      entries,
      async (layout) => expect((await layout.resolve({ tag: 'a' })).descriptor.digest).toBe(native.descriptor.digest),
      { tag: 'b' },
    );
  });

  it('lists the tags there are', async () => {
    await withLayout([{ image: native, tag: 'v1' }, { image: native, tag: 'v2' }, { image: native }], async (layout) => {
      const error = await failure(layout.resolve({ tag: 'v3' }));
      expect(error).toMatchObject({ code: 'TAG_NOT_FOUND' });
      expect(chain(error)).toMatch(/Tag 'v3' not found in image index.*v1, v2/);
      expect(chain(await failure(layout.resolve({ tag: '' })))).toContain(`Tag '' not found in image index`);
    });
  });

  it('warns when another tag would have matched', async () => {
    const other = image({ platform: nativePlatform(process), layers: [layer] });
    await withLayout(
      [
        { image: native, tag: 'a' },
        { image: other, tag: 'b' },
      ],
      async (layout) => {
        const warnings: string[] = [];
        await layout.resolve({ onWarning: (warning) => warnings.push(warning) });
        expect(warnings).toEqual([expect.stringContaining('"b"')]);
      },
    );
  });

  it('chooses by variant', async () => {
    const platforms = ['v5', 'v7', 'v6'].map((variant) => ({ os: 'linux', architecture: 'arm', variant }));
    const entries = platforms.map((platform) => ({ image: image({ platform }), platform }));
    await withLayout(entries, async (layout) => {
      const chosen = async (text: string): Promise<unknown> => (await layout.resolve({ platform: parsePlatform(text) })).platform?.variant;
      expect(await chosen('linux/arm/v7')).toBe('v7');
      expect(await chosen('linux/arm/v6')).toBe('v6');
      expect(await chosen('linux/arm/v8')).toBe('v7');
      expect(await chosen('linux/arm')).toBe('v5');
      expect(chain(await failure(chosen('linux/arm/v4')))).toContain(
        'No manifest found for platform linux/arm/v4; available: linux/arm/v5',
      );
    });
  });

  it('takes a tagged artifact that names no platform', async () => {
    const note = artifact({ artifactType: 'text/note' });
    await withLayout(
      [
        { image: note, tag: 'note' },
        { image: native, tag: 'image' },
      ],
      async (layout) => {
        expect((await layout.resolve({ tag: 'note' })).descriptor.digest).toBe(note.descriptor.digest);
        expect((await layout.resolve()).descriptor.digest).toBe(native.descriptor.digest);
      },
    );
  });

  it('takes Docker types for what they are', async () => {
    const config = jsonBlob(JSON.parse(new TextDecoder().decode(imageConfig({ platform: AMD64 }).bytes)), mediaTypes.dockerConfig);
    const docker = image({ config, mediaType: mediaTypes.dockerManifest });
    const list = imageIndex([{ image: docker }], { mediaType: mediaTypes.dockerManifestList });
    await withLayout([{ image: list }], async (layout) => {
      const { descriptor, indexDigest } = await layout.resolve({ platform: AMD64 });
      expect([descriptor.digest, indexDigest]).toEqual([docker.descriptor.digest, list.descriptor.digest]);
    });
  });

  it('enters four nested indexes and no fifth', async () => {
    const nest = (depth: number): ReturnType<typeof imageIndex> =>
      imageIndex([{ image: depth === 1 ? image({ platform: AMD64 }) : nest(depth - 1) }]);
    await withLayout(
      [
        { image: nest(4), tag: 'four' },
        { image: nest(5), tag: 'five' },
      ],
      async (layout) => {
        expect((await layout.resolve({ tag: 'four', platform: AMD64 })).indexDigest).toBe(nest(4).descriptor.digest);
        expect(chain(await failure(layout.resolve({ tag: 'five', platform: AMD64 })))).toContain('Nested image indices are not supported');
        expect(await layout.platforms('four')).toMatchObject([{ platform: AMD64, indexDigest: nest(4).descriptor.digest }]);
        expect(await failure(layout.platforms('five'))).toMatchObject({ code: 'NESTED_INDEX' });
      },
    );
  });
});

describe('what is in a layout', () => {
  const both = imageIndex([
    { image: image({ platform: AMD64 }), platform: AMD64 },
    { image: image({ platform: ARM64 }), platform: ARM64 },
  ]);
  const bare = image({ platform: { ...ARM64, variant: 'v8' } });
  const signed = artifact({ artifactType: 'text/signature', subject: bare.descriptor });
  const deployed = image({ platform: AMD64, extra: { subject: bare.descriptor } });
  const entries = [
    { image: both, tag: 'both' },
    { image: bare, tag: 'bare' },
    { image: bare, tag: 'again' },
    { image: signed },
    { image: deployed },
  ];

  it('is listed by platform, nested and bare entries too', async () => {
    await withLayout(entries, async (layout) => {
      const found = await layout.platforms();
      expect(found.map(({ platform }) => platform)).toEqual([
        AMD64,
        ARM64,
        { ...ARM64, variant: 'v8' },
        { ...ARM64, variant: 'v8' },
        undefined,
        AMD64,
      ]);
      expect(found.map(({ indexDigest }) => indexDigest)).toEqual([
        both.descriptor.digest,
        both.descriptor.digest,
        ...Array(4).fill(undefined),
      ]);
      expect(await layout.platforms('bare')).toHaveLength(1);
      expect(await layout.platforms('none')).toEqual([]);
    });
  });

  it('is listed by tag, each once', async () => {
    await withLayout([...entries, { image: bare, tag: '' }, { image: native, tag: 'bare' }], async (layout) => {
      expect(await layout.tags()).toEqual(['both', 'bare', 'again', '']);
    });
  });

  it('is listed by what it refers to', async () => {
    await withLayout(entries, async (layout) => {
      const subject = bare.descriptor.digest;
      expect((await layout.referrersOf(subject)).map(({ artifactType }) => artifactType)).toEqual(['text/signature', mediaTypes.config]);
      const signatures = await layout.referrersOf(subject, { artifactType: 'text/signature' });
      expect(signatures).toMatchObject([
        { descriptor: { digest: signed.descriptor.digest }, manifest: { artifactType: 'text/signature' } },
      ]);
      expect(await layout.referrersOf(signed.descriptor.digest)).toEqual([]);
    });
  });

  it('passes entries of unknown types over when it lists, and stops at them when it chooses', async () => {
    const odd = { ...native, descriptor: { ...native.descriptor, mediaType: 'text/plain' } };
    await withLayout([{ image: odd }, { image: native }], async (layout) => {
      expect(await layout.platforms()).toHaveLength(1);
      expect(await layout.referrersOf(native.descriptor.digest)).toEqual([]);
      expect(chain(await failure(layout.resolve()))).toContain('Unexpected media type text/plain');
    });
  });
});

describe('the delta probe', () => {
  const delta = artifact({ artifactType: 'application/vnd.io.github.containers.oci-delta.v1' });

  it('finds a delta that is alone, whatever its tag', async () => {
    for (const tag of [{}, { tag: 'x' }]) {
      await withLayout([{ image: delta, ...tag }], async (layout) => {
        expect(await layout.deltaManifest()).toMatchObject({ descriptor: { digest: delta.descriptor.digest }, raw: delta.bytes });
      });
    }
  });

  it.each([
    ['a delta beside something', [{ image: delta }, { image: native }]],
    ['an image', [{ image: native }]],
    ['an index alone', [{ image: imageIndex([{ image: native }]) }]],
    ['nothing', []],
  ])('finds nothing: %s', async (_, entries) => {
    await withLayout(entries, async (layout) => expect(await layout.deltaManifest()).toBeUndefined());
  });

  it('leaves a missing index to resolve, and complains of a broken entry', async () => {
    await withLayout([{ image: delta }], async (layout, directory) => {
      await rm(join(directory, 'blobs/sha256', delta.descriptor.digest.slice(7)));
      expect(await failure(layout.deltaManifest())).toMatchObject({ code: 'BLOB_NOT_FOUND' });
      await rm(join(directory, 'index.json'));
      expect(await layout.deltaManifest()).toBeUndefined();
      expect(chain(await failure(layout.resolve()))).toContain('Cannot find the Image Index (index.json)');
    });
  });
});
