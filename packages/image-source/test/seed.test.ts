import {
  blobPath,
  compress,
  dirFiles,
  dockerSaveEntries,
  flipBit,
  image,
  imageIndex,
  layoutFiles,
  layoutTar,
  tar,
  tarLayer,
  withTempDir,
  writeLayout,
  type LayoutFiles,
} from '@cfskit/fixtures';
import { parseRegistryName } from '@cfskit/oci-ref';
import { readBlob, type Platform } from '@cfskit/oci-spec';
import { mkdir, open, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { openSeeds, type Seeds } from '../src/index.ts';
import { AMD64, amd64, ARM64, arm64, failure, index, layerA, layerC } from './images.ts';

const NAME = 'io.containerd.image.name';
const REF = 'org.opencontainers.image.ref.name';

/** A layout with one entry for amd64, with these annotations. */
function named(annotations: Readonly<Record<string, string>>, packaged = amd64): LayoutFiles {
  const manifests = [{ ...packaged.descriptor, annotations }];
  return { ...layoutFiles([{ image: packaged }]), 'index.json': json({ schemaVersion: 2, manifests }) };
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

async function withSeeds(
  archives: readonly Uint8Array[],
  work: (seeds: Seeds, warnings: string[], paths: readonly string[]) => Promise<void>,
): Promise<void> {
  await withTempDir(async (directory) => {
    const paths = archives.map((_, i) => join(directory, `${i}.tar`));
    for (const [i, bytes] of archives.entries()) await writeFile(paths.at(i)!, bytes);
    const warnings: string[] = [];
    const seeds = await openSeeds(paths, { onWarning: (text) => warnings.push(text) });
    try {
      await work(seeds, warnings, paths);
    } finally {
      await seeds.close();
    }
  });
}

async function digestFor(seeds: Seeds, name: string, platform: Platform = AMD64): Promise<string | undefined> {
  return (await seeds.find(parseRegistryName(name), { platform }))?.resolved.descriptor.digest;
}

describe('a seed finds an image by name', () => {
  it.each<[asked: string, annotations: Record<string, string>]>([
    ['alpine:3.19', { [NAME]: 'docker.io/library/alpine:3.19', [REF]: '3.19' }],
    ['alpine:3.19', { [REF]: 'docker.io/library/alpine:3.19' }],
    ['docker.io/library/alpine:3.19', { [REF]: 'alpine:3.19' }],
    ['alpine', { [REF]: 'alpine:latest' }],
    ['alpine:latest', { [REF]: 'docker.io/library/alpine' }],
    ['alpine', { [REF]: 'alpine' }],
    ['reg.io:5000/team/app:v1', { [REF]: 'reg.io:5000/team/app:v1' }],
    ['alpine:3.19', { [REF]: `alpine:3.19@sha256:${'0'.repeat(64)}` }],
  ])('%s is %j', async (asked, annotations) => {
    await withSeeds([layoutTar(named(annotations))], async (seeds, warnings) => {
      expect(await digestFor(seeds, asked)).toBe(amd64.descriptor.digest);
      expect(warnings).toEqual([]);
    });
  });

  it.each<[asked: string, annotations: Record<string, string>]>([
    ['alpine:3.18', { [NAME]: 'docker.io/library/alpine:3.19', [REF]: '3.18' }],
    ['alpine', { [REF]: 'alpine:3.19' }],
    ['reg.io/library/alpine:3.19', { [REF]: 'alpine:3.19' }],
    ['reg.io/team/app:v1', { [REF]: 'v2' }],
    ['alpine', { [REF]: 'NO NAME' }],
  ])('%s is not %j', async (asked, annotations) => {
    await withSeeds([layoutTar(named(annotations))], async (seeds) => expect(await digestFor(seeds, asked)).toBeUndefined());
  });

  it.each([
    ['reg.io/team/app:v1', 'v1'],
    ['reg.io/team/app', 'latest'],
  ])('%s may be what has the bare tag %s, and that is said', async (asked, tag) => {
    await withSeeds([layoutTar(named({ [REF]: tag }))], async (seeds, warnings, [path]) => {
      expect(await digestFor(seeds, asked)).toBe(amd64.descriptor.digest);
      expect(warnings).toEqual([`seed oci-archive:${path}: it has a tag and no name, taking '${tag}' for reg.io/team/app:${tag}`]);
    });
  });

  it('a bare tag does not count where other entries have whole names', async () => {
    const manifests = [
      { ...arm64.descriptor, annotations: { [REF]: 'reg.io/x/y:v9' } },
      { ...amd64.descriptor, annotations: { [REF]: 'v1' } },
    ];
    const files = { ...layoutFiles([{ image: amd64 }, { image: arm64 }]), 'index.json': json({ schemaVersion: 2, manifests }) };
    await withSeeds([layoutTar(files)], async (seeds) => expect(await digestFor(seeds, 'team/app:v1')).toBeUndefined());
  });

  it('the one image without a name is taken, and that is said; among several none is', async () => {
    const several = layoutTar(layoutFiles([{ image: amd64 }, { image: arm64 }]));
    await withSeeds([several, layoutTar(named({}))], async (seeds, warnings, [, path]) => {
      expect(await digestFor(seeds, 'team/app:v1')).toBe(amd64.descriptor.digest);
      expect(warnings).toEqual([`seed oci-archive:${path}: its one image has no name, taking it for docker.io/team/app:v1`]);
    });
  });

  it('with names that begin with ./, and some that are not UTF-8', async () => {
    const odd = tar([{ path: Uint8Array.of(0xff), content: 'x' }], { endBlocks: 0 });
    const bytes = Buffer.concat([odd, layoutTar(named({ [REF]: 'a:1' }), { prefix: './' })]);
    await withSeeds([bytes], async (seeds) => expect(await digestFor(seeds, 'a:1')).toBe(amd64.descriptor.digest));
  });

  it('in docker-save archives, old and new, and in compressed ones', async () => {
    const plain = image({ layers: [tarLayer(tar([{ path: 'x' }]), 'none')], platform: AMD64 });
    const saved = [{ image: plain, names: ['team/app:v1'] }];
    for (const form of ['legacy', 'flat', 'blobs'] as const) {
      const archive = compress(tar(dockerSaveEntries(saved, form)), 'gzip');
      await withSeeds([archive], async (seeds) => {
        expect(await digestFor(seeds, 'docker.io/team/app:v1')).toBe(plain.descriptor.digest);
        expect(await digestFor(seeds, 'team/app:v2')).toBeUndefined();
      });
    }
  });

  it('in directories: layouts, and those of skopeo', async () => {
    await withTempDir(async (directory) => {
      await writeLayout(join(directory, 'layout'), named({ [REF]: 'a:1' }));
      await mkdir(join(directory, 'dir'));
      for (const [name, bytes] of Object.entries(dirFiles(arm64))) await writeFile(join(directory, 'dir', name), bytes);
      const seeds = await openSeeds([join(directory, 'layout'), join(directory, 'dir')]);
      expect(await digestFor(seeds, 'a:1')).toBe(amd64.descriptor.digest);
      expect(await digestFor(seeds, 'b:1', ARM64)).toBe(arm64.descriptor.digest);
      expect(await digestFor(seeds, 'b:1', AMD64)).toBeUndefined();
    });
  });
});

describe('a seed finds an image by platform and digest', () => {
  const files = layoutTar(named({ [REF]: 'a:1' }, index));

  it('from an index', async () => {
    await withSeeds([files], async (seeds) => {
      const found = await seeds.find(parseRegistryName('a:1'), { platform: ARM64 });
      expect(found).toMatchObject({ resolved: { descriptor: { digest: arm64.descriptor.digest }, indexDigest: index.descriptor.digest } });
      expect(await digestFor(seeds, 'a:1', { os: 'linux', architecture: 's390x' })).toBeUndefined();
    });
  });

  it('of entries with one name, the one for the platform', async () => {
    const annotations = { [REF]: 'a:1' };
    const manifests = [
      { ...arm64.descriptor, annotations },
      { ...amd64.descriptor, annotations },
    ];
    const both = { ...layoutFiles([{ image: amd64 }, { image: arm64 }]), 'index.json': json({ schemaVersion: 2, manifests }) };
    await withSeeds([layoutTar(both)], async (seeds) => {
      expect(await digestFor(seeds, 'a:1', AMD64)).toBe(amd64.descriptor.digest);
      expect(await digestFor(seeds, 'a:1', ARM64)).toBe(arm64.descriptor.digest);
    });
  });

  it.each([
    ['of a manifest', amd64.descriptor.digest, AMD64, amd64.descriptor.digest],
    ['of a manifest, whatever it is called', amd64.descriptor.digest, AMD64, amd64.descriptor.digest],
    ['of an index', index.descriptor.digest, ARM64, arm64.descriptor.digest],
    ['that is not there', `sha256:${'0'.repeat(64)}`, AMD64, undefined],
  ])('by a digest %s', async (_, digest, platform, expected) => {
    await withSeeds([files], async (seeds) => expect(await digestFor(seeds, `other/name:x@${digest}`, platform)).toBe(expected));
  });

  it('by a digest in docker-save archives', async () => {
    const plain = image({ layers: [tarLayer(tar([{ path: 'x' }]), 'none')], platform: AMD64 });
    await withSeeds([tar(dockerSaveEntries([{ image: plain }], 'legacy'))], async (seeds) => {
      expect(await digestFor(seeds, `x@${plain.descriptor.digest}`)).toBe(plain.descriptor.digest);
      expect(await digestFor(seeds, `x@${amd64.descriptor.digest}`)).toBeUndefined();
    });
  });
});

describe('what a seed has is checked', () => {
  const { descriptor } = layerA;
  const good = named({ [REF]: 'a:1' });
  const without = (path: string): LayoutFiles => Object.fromEntries(Object.entries(good).filter(([name]) => name !== path));
  const damaged = (path: string): LayoutFiles => ({ ...good, [path]: flipBit(good[path] ?? new Uint8Array(1), 20) });

  it('a blob comes from the first seed that has it right, and is hashed once', async () => {
    const path = blobPath(descriptor.digest);
    await withSeeds([layoutTar(without(path)), layoutTar(damaged(path)), layoutTar(good)], async (seeds, warnings, paths) => {
      const holders = await Promise.all([1, 2, 3].map(() => seeds.holderOf(descriptor)));
      expect(holders.map((holder) => holder?.describe())).toEqual([1, 2, 3].map(() => `oci-archive:${paths.at(2)}`));
      expect(await readBlob(holders.at(0)!, descriptor)).toEqual(layerA.bytes);
      expect(warnings).toEqual([expect.stringMatching(`seed oci-archive:${paths.at(1)}: digest mismatch: wanted ${descriptor.digest}`)]);
    });
  });

  it('a blob of another size is passed over, one that is nowhere is nowhere', async () => {
    await withSeeds([layoutTar({ ...good, [blobPath(descriptor.digest)]: new Uint8Array(3) })], async (seeds, warnings) => {
      expect(await seeds.holderOf(descriptor)).toBeUndefined();
      expect(warnings).toEqual([expect.stringContaining('Expected size')]);
      expect(await seeds.holderOf(layerC.descriptor)).toBeUndefined();
      expect(warnings).toHaveLength(1);
    });
  });

  it.each<[string, LayoutFiles, number]>([
    ['a manifest that is missing, without a word', without(blobPath(amd64.descriptor.digest)), 0],
    ['a manifest that is damaged', damaged(blobPath(amd64.descriptor.digest)), 1],
    ['an index.json that is no JSON', { ...good, 'index.json': new TextEncoder().encode('<html>') }, 1],
    ['an index.json with a digest that is a path', { ...good, 'index.json': json({ manifests: [{ digest: 'sha256:../../x' }] }) }, 1],
    ['no index.json', { 'oci-layout': json({ imageLayoutVersion: '1.0.0' }), 'index.json': new Uint8Array(0) }, 1],
  ])('passes over %s', async (_, files, count) => {
    await withSeeds([layoutTar(files)], async (seeds, warnings) => {
      expect(await digestFor(seeds, 'a:1')).toBeUndefined();
      expect(warnings).toHaveLength(count);
    });
  });

  it('ends with the reason of an aborted signal, and can be asked again', async () => {
    await withSeeds([layoutTar(good)], async (seeds) => {
      const signal = AbortSignal.abort(new Error('enough'));
      expect(await failure(seeds.holderOf(descriptor, { signal }))).toBe(signal.reason);
      expect(await failure(seeds.find(parseRegistryName('a:1'), { signal }))).toBe(signal.reason);
      expect(await seeds.holderOf(descriptor)).toBeDefined();
    });
  });
});

describe('opening seeds', () => {
  it('is an error for what is none, and closes the others', async () => {
    await withTempDir(async (directory) => {
      await writeFile(join(directory, 'good.tar'), layoutTar(named({})));
      await writeFile(join(directory, 'bad.tar'), 'no tar');
      for (const bad of ['bad.tar', 'missing.tar', '.']) {
        const error = await failure(openSeeds([join(directory, 'good.tar'), join(directory, bad)]));
        expect(error).toMatchObject({ name: 'ImageSourceError', code: 'INVALID_SEED', reference: join(directory, bad) });
      }
    });
  });

  it('scans an archive once: no header is read again, whatever is asked for', async () => {
    const first = imageIndex([
      { image: amd64, platform: AMD64 },
      { image: arm64, platform: ARM64 },
    ]);
    await withTempDir(async (directory) => {
      const path = join(directory, 'a.tar');
      await writeFile(path, layoutTar(named({ [REF]: 'a:1' }, first)));
      const { positions, stop } = await spyOnReads(path);
      const seeds = await openSeeds([path]);
      const scanned = positions().length;
      await rm(path); // nothing is opened again either
      for (const platform of [AMD64, ARM64]) await seeds.find(parseRegistryName('a:1'), { platform });
      for (const { descriptor } of first.blobs) expect(await readBlob((await seeds.holderOf(descriptor))!, descriptor)).toBeDefined();
      await seeds.close();
      const headers = new Set(positions().slice(0, scanned));
      const later = positions().slice(scanned);
      stop();
      expect([scanned > 0, later.length > 0]).toEqual([true, true]);
      expect(later.filter((at) => headers.has(at))).toEqual([]);
    });
  });
});

/** Notes where files are read: every content lies behind a header, so that a scan begins where no content does. */
async function spyOnReads(path: string): Promise<{ readonly positions: () => readonly unknown[]; readonly stop: () => void }> {
  const probe = await open(path, 'r');
  const spy = vi.spyOn(Object.getPrototypeOf(probe) as FileHandle, 'read');
  await probe.close();
  return { positions: () => spy.mock.calls.map((args: readonly unknown[]) => args.at(3)), stop: () => spy.mockRestore() };
}
