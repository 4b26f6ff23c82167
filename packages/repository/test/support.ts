import { fsVerityDigest, type Algorithm, type ObjectId } from '@cfskit/fs-verity';
import { openStagingFile, readFully, reopenReadOnly } from '@cfskit/linux';
import { closeSync, fstatSync, mkdtempSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { initRepository, type InitOptions, type Repository, type VerityCalls } from '../src/index.ts';

/** An empty directory that is removed after the test. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'cfskit-repository-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A new insecure repository, closed after the test. */
export async function newRepository(options: InitOptions = {}): Promise<Repository> {
  const repository = await initRepository(join(temporaryDirectory(), 'repo'), { insecure: true, ...options });
  onTestFinished(() => repository.close());
  return repository;
}

/** The generator of the reference's tests: byte i is ((i + seed) · 17) mod 256. */
export function testData(size: number, seed = 0): Uint8Array<ArrayBuffer> {
  const period = Uint8Array.from({ length: 256 }, (_, index) => ((index + seed) * 17) % 256);
  const data = new Uint8Array(size);
  for (let at = 0; at < size; at += 256) data.set(period.subarray(0, size - at), at);
  return data;
}

/** Paths of all files and links below `root`, sorted. */
export function tree(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .toSorted();
}

/** A kernel with fs-verity, played: it remembers by inode which files have it. */
export class FakeVerity implements VerityCalls {
  readonly enabled: Map<number, { algorithm: Algorithm; digest: ObjectId }> = new Map();
  /** How often an enable is to find a writer first. */
  busy = 0;
  measures = 0;

  enable(fd: number, algorithm: Algorithm): 'already-enabled' | 'busy' | 'enabled' {
    if (this.busy > 0) {
      this.busy--;
      return 'busy';
    }
    const { ino, size } = fstatSync(fd);
    if (this.enabled.has(ino)) return 'already-enabled';
    let writable = false;
    try {
      writeSync(fd, new Uint8Array(0));
      writable = true;
    } catch {
      // as it should be
    }
    if (writable) throw new Error('verity wants a read-only descriptor');
    const content = new Uint8Array(size);
    readFully(fd, content, 0);
    this.enabled.set(ino, { algorithm, digest: fsVerityDigest(content, algorithm) });
    return 'enabled';
  }

  enableOrCopy(fd: number, algorithm: Algorithm, directory: string): ReturnType<VerityCalls['enableOrCopy']> {
    const outcome = this.enable(fd, algorithm);
    if (outcome !== 'busy') return { outcome, copy: undefined };
    const writable = openStagingFile(directory, { prefix: '.tmp-object-' });
    const content = new Uint8Array(fstatSync(fd).size);
    readFully(fd, content, 0);
    writeSync(writable.fd, content);
    const copy = { fd: reopenReadOnly(writable.fd), path: writable.path };
    closeSync(writable.fd);
    return { outcome: this.enable(copy.fd, algorithm), copy };
  }

  measure(fd: number): { algorithm: Algorithm; digest: ObjectId } | undefined {
    this.measures++;
    return this.enabled.get(fstatSync(fd).ino);
  }
}

/** A file system without fs-verity. */
export const noVerity: VerityCalls = {
  enable: () => 'unsupported',
  enableOrCopy: () => ({ outcome: 'unsupported', copy: undefined }),
  measure: () => 'unsupported',
};
