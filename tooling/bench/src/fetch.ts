import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inPairs, onPath, type Command } from './measure.ts';

/** What `bench fetch` takes. */
export interface FetchBenchOptions {
  /** Sizes of the one layer that an image has. */
  readonly megabytes: readonly number[];
  readonly pairs: number;
}

const CFSKIT = fileURLToPath(new URL('../../../apps/cli/bin/cfskit.js', import.meta.url));
const TMPFS = '/dev/shm';
const MIB = 1024 * 1024;
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** A layout of one layer of noise: nothing is gained by packing it. */
function makeLayout(layout: string, megabytes: number): void {
  const blobs = join(layout, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...noiseBlob(blobs, megabytes) };
  const config = { architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [layer.digest] } };
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...jsonBlob(blobs, config) },
    layers: [layer],
  };
  const annotations = { 'org.opencontainers.image.ref.name': 'bench' };
  const entry = { mediaType: MANIFEST, ...jsonBlob(blobs, manifest), annotations };
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
}

interface BlobName {
  readonly digest: string;
  readonly size: number;
}

function noiseBlob(blobs: string, megabytes: number): BlobName {
  const hash = createHash('sha256');
  const path = join(blobs, 'noise');
  const file = openSync(path, 'w');
  const buffer = Buffer.alloc(MIB);
  for (let i = 0; i < megabytes; i++) {
    hash.update(randomFillSync(buffer));
    writeSync(file, buffer);
  }
  closeSync(file);
  const hex = hash.digest('hex');
  renameSync(path, join(blobs, hex));
  return { digest: `sha256:${hex}`, size: megabytes * MIB };
}

function jsonBlob(blobs: string, value: object): BlobName {
  const bytes = Buffer.from(JSON.stringify(value));
  const hex = createHash('sha256').update(bytes).digest('hex');
  writeFileSync(join(blobs, hex), bytes);
  return { digest: `sha256:${hex}`, size: bytes.byteLength };
}

interface Registry {
  readonly host: string;
  readonly process: ChildProcess;
}

async function startRegistry(directory: string): Promise<Registry> {
  const config = join(directory, 'registry.yml');
  const storage = { filesystem: { rootdirectory: join(directory, 'registry') } };
  writeFileSync(config, JSON.stringify({ version: 0.1, storage, http: { addr: '127.0.0.1:0' }, log: { accesslog: { disabled: true } } })); // JSON is YAML
  const child = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const host = await new Promise<string>((resolve, reject) => {
    child.on('error', reject).on('exit', () => reject(new Error('docker-registry did not start')));
    child.stderr.on('data', (chunk: Buffer) => {
      const match = /listening on (127\.0\.0\.1:\d+)/.exec(chunk.toString());
      if (match?.[1] !== undefined) resolve(match[1]);
    });
  });
  return { host, process: child };
}

function cfskit(place: string, label: string, ...args: readonly string[]): Command {
  const clear = (): void => rmSync(join(place, 'ours'), { recursive: true, force: true });
  return { label, argv: [process.execPath, CFSKIT, '-q', ...args], prepare: clear };
}

function skopeo(place: string, reference: string): Command {
  const target = join(place, 'theirs');
  const clear = (): void => rmSync(target, { recursive: true, force: true });
  const argv = ['skopeo', '--insecure-policy', 'copy', '-q', '--src-tls-verify=false', reference, `dir:${target}`] as const;
  return { label: 'skopeo copy docker: dir:', argv, prepare: clear };
}

async function compare(place: string, host: string, megabytes: number, pairs: number): Promise<void> {
  const layout = join(place, 'layout');
  makeLayout(layout, megabytes);
  const reference = `docker://${host}/bench/mb${megabytes}:v1`;
  const push = spawnSync(process.execPath, [CFSKIT, '-q', 'copy', `oci:${layout}:bench`, reference], { encoding: 'utf8' });
  if (push.status !== 0) throw new Error(push.stderr);
  rmSync(layout, { recursive: true });
  print(`one blob of ${megabytes} MiB:`);
  const ours = join(place, 'ours');
  const theirs = skopeo(place, reference);
  await inPairs(cfskit(place, 'cfskit fetch', 'fetch', reference, '--output', ours), theirs, pairs, print);
  await inPairs(cfskit(place, 'cfskit copy docker: dir:', 'copy', reference, `dir:${ours}`), theirs, pairs, print);
}

/** `cfskit fetch` and `cfskit copy` of large blobs from docker-registry on loopback, as whole processes against `skopeo copy`, all on tmpfs. */
export async function benchFetch({ megabytes, pairs }: FetchBenchOptions): Promise<void> {
  for (const program of ['docker-registry', 'skopeo']) if (!onPath(program)) throw new Error(`${program}: not on PATH`);
  const place = mkdtempSync(join(existsSync(TMPFS) ? TMPFS : tmpdir(), 'cfskit-bench-'));
  const registry = await startRegistry(place);
  try {
    for (const size of megabytes) await compare(place, registry.host, size, pairs);
  } finally {
    registry.process.kill();
    rmSync(place, { recursive: true, force: true });
  }
}
