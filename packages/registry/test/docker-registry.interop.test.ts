import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  image,
  imageIndex,
  layoutFiles,
  REGISTRY_USER,
  startDockerRegistry,
  tar,
  tarLayer,
  toBlob,
  toolsAbsent,
  withTempDir,
  writeLayout,
} from '@cfskit/fixtures';
import { loadImage, parsePlatform, readBlob, type Descriptor } from '@cfskit/oci-spec';
import { describe, expect, it } from 'vitest';
import { credentialFiles, credentialsFor, login, RegistryClient, type RegistryClientOptions } from '../src/index.ts';
import { makeCertificate } from '../src/testing/index.ts';
import { collect, failure, pattern } from './support.ts';

const AMD64 = parsePlatform('linux/amd64');
const ARM64 = parsePlatform('linux/arm64');

interface Registry {
  readonly host: string;
  readonly directory: string;
  /** A client that trusts its authority and knows its user. */
  readonly client: (options?: RegistryClientOptions) => RegistryClient;
}

/** Debian's docker-registry on 127.0.0.1, with TLS and a login, for as long as `work` takes. */
async function withRegistry(work: (registry: Registry) => Promise<void>): Promise<void> {
  await withTempDir(async (directory) => {
    const tls = makeCertificate();
    const registry = await startDockerRegistry(directory, tls);
    const { host } = registry;
    const clients: RegistryClient[] = [];
    try {
      const credentials = credentialsFor({ [host]: REGISTRY_USER });
      const client = (options: RegistryClientOptions = {}): RegistryClient => {
        const made = new RegistryClient({ credentials, defaults: { ca: tls.ca }, certDirs: [], env: {}, ...options });
        clients.push(made);
        return made;
      };
      await work({ host, directory, client });
    } finally {
      registry.stop();
      await Promise.all(clients.map((made) => made.close()));
    }
  });
}

/** Not `spawnSync`: the registry waits when nobody reads what it logs. */
async function run(tool: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(tool, args, { timeout: 20_000 });
  return stdout;
}

const layers = Array.from({ length: 20 }, (_, i) =>
  tarLayer(tar([{ path: `file${i}`, content: 'x'.repeat(i * 1000) }]), i % 2 === 0 ? 'gzip' : 'zstd'),
);
const amd64 = image({ layers, platform: AMD64 });
const arm64 = image({ layers: layers.slice(0, 3), platform: ARM64 });
const multi = imageIndex([
  { image: amd64, platform: AMD64 },
  { image: arm64, platform: ARM64 },
]);

/** skopeo takes its time. */
const few = imageIndex([
  { image: image({ layers: layers.slice(0, 2), platform: AMD64 }), platform: AMD64 },
  { image: arm64, platform: ARM64 },
]);

describe.skipIf(toolsAbsent('docker-registry'))('docker-registry', { timeout: 60_000 }, () => {
  it('wants a login over a certificate that we trust', async () => {
    await withRegistry(async ({ host, client }) => {
      expect(await client().ping(host)).toEqual({ url: `https://${host}`, wantsLogin: true, schemes: ['basic'] });
      await client().authenticate(host);
      const wrong = client({ credentials: credentialsFor({ [host]: { ...REGISTRY_USER, password: 'wrong' } }) });
      expect(await failure(wrong.authenticate(host))).toMatchObject({ code: 'UNAUTHORIZED', registry: host });
      expect(await failure(client({ defaults: {} }).ping(host))).toMatchObject({ code: 'TLS' });
    });
  });

  it('gives back what was pushed: an index, its images, 20 layers at a time', async () => {
    await withRegistry(async ({ host, client: make }) => {
      const client = make();
      const blobs = new Map(multi.blobs.map(({ bytes, descriptor }) => [descriptor.digest, bytes]));
      const source = {
        async *open({ digest }: Descriptor) {
          yield await Promise.resolve(blobs.get(digest)!);
        },
      };
      const pushed = await client.pushImage(`${host}/a/b:v1`, source, { descriptor: multi.descriptor, raw: multi.bytes }, { jobs: 20 });
      expect(pushed).toMatchObject({ blobsPushed: 22, blobsMounted: 0, blobsPresent: 0 });
      expect(
        await client.pushImage(`${host}/c:v1`, source, { descriptor: multi.descriptor, raw: multi.bytes }, { mountFrom: ['a/b'] }),
      ).toMatchObject({
        blobsMounted: 22,
      });
      const fetched = await client.fetchManifest(`${host}/a/b:v1`);
      expect(fetched.raw).toEqual(multi.bytes);
      for (const [platform, expected] of [
        [AMD64, amd64],
        [ARM64, arm64],
      ] as const) {
        const from = client.source(`${host}/a/b:v1`);
        const loaded = await loadImage(from, { platform });
        expect(loaded.resolved.descriptor.digest).toBe(expected.descriptor.digest);
        expect(loaded.resolved.indexDigest).toBe(multi.descriptor.digest);
        const contents = await Promise.all(loaded.layers.map(({ descriptor }) => readBlob(from, descriptor)));
        expect(contents.map((bytes) => Buffer.from(bytes))).toEqual(expected.blobs.slice(2).map(({ bytes }) => Buffer.from(bytes)));
      }
      expect(await Array.fromAsync(client.listTags(`${host}/a/b`))).toEqual(['v1']);
      expect(await client.headManifest(`${host}/a/b:v1`)).toEqual({ ...multi.descriptor });
      expect(await client.headManifest(`${host}/a/b:v2`)).toBeUndefined();
    });
  });

  it('takes chunks, ranges and a resumed download', async () => {
    await withRegistry(async ({ host, directory, client: make }) => {
      const client = make();
      const { bytes, descriptor } = toBlob(pattern(3_000_000), 'application/octet-stream');
      expect(await client.pushBlob(`${host}/a`, descriptor, bytes, { chunkSize: 700_000 })).toBe('pushed');
      expect(await client.pushBlob(`${host}/a`, descriptor, bytes)).toBe('present');
      expect(Buffer.from(await collect(client.fetchBlob(`${host}/a`, descriptor))).equals(bytes)).toBe(true);
      const part = await collect(client.openBlobRange(`${host}/a`, descriptor, { start: 1_000_000, end: 1_000_007 }));
      expect(Buffer.from(part).equals(bytes.subarray(1_000_000, 1_000_007))).toBe(true);
      const path = join(directory, 'blob');
      await writeFile(`${path}.${descriptor.digest.slice(7, 23)}.partial`, bytes.subarray(0, 1_234_567));
      expect(await client.downloadBlob(`${host}/a`, descriptor, path)).toEqual({
        state: 'downloaded',
        bytesResumed: 1_234_567,
        bytesFetched: 1_765_433,
      });
      expect((await readFile(path)).equals(bytes)).toBe(true);
    });
  });

  it('says what is missing or wrong', async () => {
    await withRegistry(async ({ host, client: make }) => {
      const client = make();
      const { bytes, descriptor } = toBlob(pattern(1000), 'application/octet-stream');
      expect(await failure(client.fetchManifest(`${host}/none:v1`))).toMatchObject({ code: 'MANIFEST_UNKNOWN', status: 404 });
      expect(await failure(Array.fromAsync(client.listTags(`${host}/none`)))).toMatchObject({ code: 'NAME_UNKNOWN' });
      expect(await failure(collect(client.fetchBlob(`${host}/none`, descriptor)))).toMatchObject({ code: 'BLOB_UNKNOWN' });
      expect(await failure(client.pushManifest(`${host}/a:v1`, amd64.bytes))).toMatchObject({
        code: 'REJECTED',
        errors: expect.arrayContaining([expect.objectContaining({ code: 'MANIFEST_BLOB_UNKNOWN' })]) as unknown,
      });
      expect(await failure(client.pushBlob(`${host}/a`, descriptor, bytes.slice().fill(1)))).toMatchObject({ code: 'DIGEST_MISMATCH' });
    });
  });

  it('knows no referrers, so that a tag stands for them', async () => {
    await withRegistry(async ({ host, client: make }) => {
      const client = make();
      const subject = await client.pushArtifact(`${host}/a:v1`, { artifactType: 'application/x' });
      const sbom = await client.pushArtifact(`${host}/a`, { artifactType: 'application/vnd.example.sbom', subject });
      expect(await client.listReferrers(`${host}/a`, subject.digest)).toEqual([{ ...sbom, artifactType: 'application/vnd.example.sbom' }]);
      expect((await Array.fromAsync(client.listTags(`${host}/a`))).toSorted()).toEqual([subject.digest.replace(':', '-'), 'v1']);
    });
  });
});

describe.skipIf(toolsAbsent('docker-registry', 'skopeo'))('skopeo', { timeout: 60_000 }, () => {
  const creds = `${REGISTRY_USER.username}:${REGISTRY_USER.password}`;
  /** From the registry or to it, which has its authority in `directory`. */
  async function copy(from: string, to: string, directory: string, ...options: readonly string[]): Promise<void> {
    const side = from.startsWith('docker:') ? 'src' : 'dest';
    const access = [`--${side}-cert-dir`, join(directory, 'certs'), `--${side}-creds`, creds];
    await run('skopeo', '--insecure-policy', 'copy', '-q', ...options, ...access, from, to);
  }

  it('pulls what was pushed, and pushes what is pulled, with the same digests', async () => {
    await withRegistry(async ({ host, directory, client: make }) => {
      const client = make();
      const layout = join(directory, 'layout');
      await writeLayout(layout, layoutFiles([{ image: few, tag: 'v1' }]));
      await copy(`oci:${layout}:v1`, `docker://${host}/from/skopeo:v1`, directory, '--all');
      const fetched = await client.fetchManifest(`${host}/from/skopeo:v1`);
      expect(fetched.raw).toEqual(few.bytes);
      const source = client.source(`${host}/from/skopeo:v1`);
      await client.pushImage(`${host}/from/us:v1`, source, fetched);
      const out = join(directory, 'out');
      await copy(`docker://${host}/from/us:v1`, `oci:${out}:v1`, directory, '--all');
      const index = JSON.parse(await readFile(join(out, 'index.json'), 'utf8')) as { readonly manifests: readonly Descriptor[] };
      expect(index.manifests.map(({ digest }) => digest)).toEqual([few.descriptor.digest]);
      for (const { bytes, descriptor } of few.blobs) {
        expect((await readFile(join(out, 'blobs', descriptor.digest.replace(':', '/')))).equals(bytes)).toBe(true);
      }
    });
  });

  it('uses the login that we have stored, and we the one that it has', async () => {
    await withRegistry(async ({ host, directory, client: make }) => {
      const certs = join(directory, 'certs');
      const ours = join(directory, 'ours.json');
      await login(host, REGISTRY_USER, { authFile: ours });
      await make().pushArtifact(`${host}/a:v1`, { artifactType: 'application/x' });
      await run('skopeo', 'inspect', '--raw', '--cert-dir', certs, '--authfile', ours, `docker://${host}/a:v1`);
      const theirs = join(directory, 'theirs.json');
      await run(
        'skopeo',
        'login',
        '--cert-dir',
        certs,
        '--authfile',
        theirs,
        '-u',
        REGISTRY_USER.username,
        '-p',
        REGISTRY_USER.password,
        host,
      );
      await make({ credentials: credentialFiles({ authFile: theirs }) }).authenticate(host);
      expect(JSON.parse(await readFile(theirs, 'utf8'))).toEqual(JSON.parse(await readFile(ours, 'utf8')));
    });
  });

  it('pushes Docker manifests, which are read as such', async () => {
    await withRegistry(async ({ host, directory, client: make }) => {
      const layout = join(directory, 'layout');
      const gzipOnly = image({ layers: [layers.at(0)!], platform: AMD64 });
      await writeLayout(layout, layoutFiles([{ image: gzipOnly, tag: 'v1' }]));
      await copy(`oci:${layout}:v1`, `docker://${host}/a:v1`, directory, '--format', 'v2s2');
      const { resolved, layers: found } = await loadImage(make().source(`${host}/a:v1`), { platform: AMD64 });
      expect(resolved.descriptor.mediaType).toBe('application/vnd.docker.distribution.manifest.v2+json');
      expect(found.map(({ diffId }) => diffId)).toEqual([layers.at(0)!.diffId]);
    });
  });
});
