import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  artifact,
  image,
  layoutFiles,
  tar,
  tarLayer,
  toBlob,
  writeLayout,
  type Layer,
  type Packaged,
  type TarEntry,
} from '@cfskit/fixtures';
import { beforeAll } from 'vitest';
import { ok, scratch } from './harness.ts';

/** 200 bytes, so they are kept as an object. */
export const LARGE: Uint8Array = new TextEncoder().encode('large '.repeat(34).slice(0, 200));
/** A name that is no UTF-8. */
export const ODD_NAME: Uint8Array = Uint8Array.from([...new TextEncoder().encode('etc/odd-'), 0xff]);

const BASE: readonly TarEntry[] = [
  { path: './', type: 'dir' },
  { path: 'usr/', type: 'dir' },
  { path: 'usr/tool', content: LARGE, mode: 0o4755, uid: 3, gid: 4, mtime: 1_234_567_890.5 },
  { path: 'usr/tool-link', type: 'hardlink', target: 'usr/tool' },
  { path: 'usr/sh', type: 'symlink', target: 'tool' },
  { path: 'etc/', type: 'dir', mode: 0o1777 },
  { path: 'etc/name\nwith a line', content: 'small\n', mtime: 1 },
  { path: ODD_NAME, content: 'odd' },
  { path: 'etc/null', type: 'char', device: [1, 3] },
];
const TOP: readonly TarEntry[] = [
  { path: 'etc/', type: 'dir' },
  { path: 'etc/.wh.null' },
  { path: 'usr/.wh..wh..opq' },
  { path: 'usr/other', content: new Uint8Array(LARGE).fill(0x78) },
];

/** An image of two layers, and what its layers unpack to. */
export interface SampleImage {
  readonly image: Packaged;
  readonly layers: readonly Layer[];
  readonly tars: readonly Uint8Array[];
}

/** The image that the tests store. With `extra`, its top layer holds that file too. */
export function sampleImage(extra?: TarEntry): SampleImage {
  const tars = [tar(BASE), tar(extra === undefined ? TOP : [...TOP, extra])];
  const layers = [tarLayer(tars.at(0)!, 'gzip'), tarLayer(tars.at(1)!, 'zstd')];
  return { image: image({ layers }), layers, tars };
}

/** An artifact that belongs to `subject`. */
export function sampleArtifact(subject: Packaged): Packaged {
  const note = toBlob(new TextEncoder().encode('a note'), 'text/plain');
  return artifact({ artifactType: 'application/x-note', layers: [note], subject: subject.descriptor });
}

/** Write a layout with the image under the tag `v1` and, if asked for, its artifact under `note`. */
export async function writeSampleLayout(directory: string, sample: SampleImage, withArtifact = false): Promise<void> {
  const platform = { architecture: 'amd64', os: 'linux' };
  const entries = [{ image: sample.image, tag: 'v1', platform }];
  if (withArtifact) entries.push({ image: sampleArtifact(sample.image), tag: 'note', platform });
  await mkdir(directory, { recursive: true });
  await writeLayout(directory, layoutFiles(entries));
}

/** A layout and an insecure repository with its image under the tag `demo`. */
export interface Stored {
  readonly layout: string;
  readonly repo: string;
  readonly sample: SampleImage;
}

/** What of the sample is stored. */
export interface SampleOptions {
  readonly artifact?: boolean;
  readonly extra?: TarEntry;
}

/** Make a layout and a repository in `directory`, and pull. */
export async function storeSample(directory: string, options: SampleOptions = {}): Promise<Stored> {
  const name = randomBytes(4).toString('hex');
  const stored = { layout: join(directory, `layout ${name}`), repo: join(directory, `repo ${name}`), sample: sampleImage(options.extra) };
  await writeSampleLayout(stored.layout, stored.sample, options.artifact);
  await ok(['init', '--insecure', stored.repo]);
  await ok(['pull', '--repo', stored.repo, `oci:${stored.layout}:v1`, 'demo', '-q', '--platform', 'linux/amd64']);
  if (options.artifact === true)
    await ok(['pull', '--repo', stored.repo, `oci:${stored.layout}:note`, 'note', '-q', '--platform', 'linux/amd64']);
  return stored;
}

/** What {@link storeSample} makes, for all tests of a file. The image is known at once; the paths are when the first test or hook begins. */
export function storedSample(options: SampleOptions = {}): Stored {
  const path = scratch();
  let stored: Stored | undefined;
  beforeAll(async () => {
    stored = await storeSample(path(), options);
  });
  return {
    sample: sampleImage(options.extra),
    get layout() {
      return stored?.layout ?? '';
    },
    get repo() {
      return stored?.repo ?? '';
    },
  };
}
