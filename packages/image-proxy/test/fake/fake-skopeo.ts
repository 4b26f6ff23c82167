import { LayoutBuilder } from '@cfskit/oci-spec/testing';
import type { Descriptor } from '@cfskit/oci-spec';
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openImageProxy, type OpenImageProxyOptions, type SkopeoImage } from '../../src/index.ts';
import type { LogLine, Plan } from './plan.ts';

const PROGRAM = fileURLToPath(new URL('skopeo.ts', import.meta.url));
const COMPILE_CACHE = fileURLToPath(new URL('../../node_modules/.cache/fake-skopeo', import.meta.url));

/** An image with one layer, as the fake proxy serves it. */
export const image = buildImage();

function buildImage(): {
  readonly layer: Descriptor;
  readonly layerBytes: Uint8Array;
  readonly config: Descriptor;
  readonly plan: Pick<Plan, 'manifest' | 'blobs'>;
} {
  const builder = new LayoutBuilder();
  const layerBytes = Uint8Array.from({ length: 700_001 }, (_, i) => (i * 31) ^ (i >> 8));
  const manifest = builder.image([{ bytes: layerBytes }], { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch });
  const { blobs } = builder.content();
  const text = (digest: string): string => new TextDecoder().decode(blobs.get(digest));
  const { config, layers } = JSON.parse(text(manifest.digest)) as { config: Descriptor; layers: readonly [Descriptor] };
  const encoded = Object.fromEntries([...blobs].map(([digest, bytes]) => [digest, Buffer.from(bytes).toString('base64')]));
  return { layer: layers[0], layerBytes, config, plan: { manifest: text(manifest.digest), blobs: encoded } };
}

/** A fake skopeo in a directory of its own. */
export class FakeSkopeo {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'fake-skopeo-'));
  readonly program: string = join(this.directory, 'skopeo');
  readonly #log = join(this.directory, 'log');
  readonly warnings: string[] = [];
  readonly #opened: SkopeoImage[] = [];
  readonly #descriptors = openDescriptors();

  constructor(plan: Partial<Plan>) {
    const file = join(this.directory, 'plan.json');
    writeFileSync(this.#log, '');
    writeFileSync(file, JSON.stringify({ version: '0.2.8', ...image.plan, log: this.#log, ...plan }));
    const command = [process.execPath, '--conditions=source', PROGRAM, file].map((part) => `'${part}'`).join(' ');
    // The fake is a Node, too, and would take the socket for one of its own.
    writeFileSync(
      this.program,
      `#!/bin/sh\nunset NODE_CHANNEL_FD CFSKIT_NO_KOFFI\nexport NODE_COMPILE_CACHE='${COMPILE_CACHE}'\nexec ${command} "$@"\n`,
    );
    chmodSync(this.program, 0o755);
  }

  open(options: OpenImageProxyOptions = {}, reference = 'docker://example.org/app:1'): SkopeoImage {
    const onWarning = (text: string): void => void this.warnings.push(text);
    const opened = openImageProxy(reference, {
      skopeo: this.program,
      tmpdir: this.directory,
      onWarning,
      retry: { baseDelayMs: 1 },
      ...options,
    });
    this.#opened.push(opened);
    return opened;
  }

  log(): readonly LogLine[] {
    const lines = readFileSync(this.#log, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as LogLine);
  }

  events(): readonly string[] {
    return this.log().map(({ event }) => event);
  }

  /** Close everything and say what is left: processes and temporary files, and descriptors, if nobody else opens any meanwhile. */
  async leftovers(): Promise<readonly string[]> {
    const left = await this.leftBehind();
    await settled(() => openDescriptors() <= this.#descriptors);
    const more = openDescriptors() - this.#descriptors;
    return more > 0 ? [...left, `${more} descriptors`] : left;
  }

  /** The same without descriptors. */
  async leftBehind(): Promise<readonly string[]> {
    await Promise.all(this.#opened.map((opened) => opened.close()));
    return [
      ...this.processes().map((pid) => `process ${pid}`),
      ...readdirSync(this.directory).filter((name) => name.startsWith('cfskit-')),
    ];
  }

  /** Which of its processes are there, dead ones that we have not asked about included. Others' are theirs: podman's child becomes init's. */
  processes(): readonly number[] {
    const pids = new Set(this.log().map(({ pid }) => pid));
    return [...pids].filter((pid) => existsSync(`/proc/${pid}`) && (!isDead(pid) || isOurs(pid)));
  }

  /** Which of its processes are alive. */
  living(): readonly number[] {
    return this.processes().filter((pid) => !isDead(pid));
  }

  async remove(): Promise<void> {
    await Promise.all(this.#opened.map((opened) => opened.close()));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Read a blob whole. */
export async function readAll(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return 'State: Z'; // it has gone meanwhile
  }
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** What has been told to end takes a moment. */
export async function settled(isDone: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100 && !isDone(); turn++) await new Promise((resolve) => setTimeout(resolve, 10));
}

function isDead(pid: number): boolean {
  return /^State:\s+Z/m.test(statusOf(pid));
}

function isOurs(pid: number): boolean {
  return statusOf(pid).includes(`\nPPid:\t${process.pid}\n`);
}
