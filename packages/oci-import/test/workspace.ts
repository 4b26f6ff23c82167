import { readObjectIds } from '@cfskit/erofs';
import { filesFromVector, layoutFiles, withTempDir, writeLayout } from '@cfskit/fixtures';
import type { LayoutEntry } from '@cfskit/fixtures';
import type { Algorithm } from '@cfskit/fs-verity';
import { openOciDir } from '@cfskit/ocidir';
import type { OciDir } from '@cfskit/ocidir';
import type { ImageSource } from '@cfskit/oci-spec';
import type { ProgressEvent } from '@cfskit/progress';
import { initRepository } from '@cfskit/repository';
import type { Repository } from '@cfskit/repository';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { importImage } from '../src/index.ts';
import type { ImportImageOptions, ImportResult } from '../src/index.ts';

/** What the images of these tests are for, whatever machine the tests run on. */
const platform = { architecture: 'amd64', os: 'linux' };

/** A pull of streams alone; most of these images have no `/usr`, and so could not become EROFS images. */
export function pull(repository: Repository, source: ImageSource, options: ImportImageOptions = {}): Promise<ImportResult> {
  return importImage(repository, source, { platform, image: false, ...options });
}

/** A directory with an empty repository, and room for layouts beside it. */
export interface Workspace {
  readonly directory: string;
  readonly repository: Repository;
  /** Writes a layout below the directory and opens it. */
  readonly layout: (entries: readonly LayoutEntry[], name?: string) => Promise<OciDir>;
  readonly vectorLayout: (filesBase64: Readonly<Record<string, string>>, name?: string) => Promise<OciDir>;
}

export function withWorkspace<T>(work: (workspace: Workspace) => Promise<T>, algorithm: Algorithm = 'sha256'): Promise<T> {
  return withTempDir(async (directory) => {
    const repository = await initRepository(join(directory, 'repository'), { algorithm, insecure: true, imageReader: readObjectIds });
    const open = async (files: Parameters<typeof writeLayout>[1], name: string): Promise<OciDir> => {
      await writeLayout(join(directory, name), files);
      return openOciDir(join(directory, name));
    };
    try {
      return await work({
        directory,
        repository,
        layout: (entries, name = 'layout') => open(layoutFiles(entries), name),
        vectorLayout: (files, name = 'layout') => open(filesFromVector(files), name),
      });
    } finally {
      await repository.close();
    }
  });
}

/** Distinct files below `objects/`; temporary files would be counted, too. */
export async function objectFiles(repository: Repository): Promise<readonly string[]> {
  const entries = await readdir(join(repository.path, 'objects'), { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Every name there is: streams, and references with `refs/` in front. */
export async function names(repository: Repository): Promise<readonly string[]> {
  const streams = await readdir(join(repository.path, 'streams'), { withFileTypes: true }).catch(() => []);
  const refs = repository.listRefs().map((ref) => `refs/${ref.name}`);
  return [...streams.filter((entry) => entry.isSymbolicLink()).map((entry) => entry.name), ...refs].toSorted();
}

/** Files that somebody should have removed. */
export async function leftovers(repository: Repository): Promise<readonly string[]> {
  const all = await readdir(repository.path, { recursive: true });
  return all.filter((path) => path.split('/').some((part) => part.startsWith('.tmp') || part.startsWith('.symlink')));
}

/** Events without what the vectors do not know: the plan and the config. */
export function layerEvents(events: readonly ProgressEvent[]): readonly ProgressEvent[] {
  return events.filter((event) => event.type !== 'plan' && !('id' in event && event.id === 'config'));
}

export async function readVectors<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(new URL(`vectors/${name}`, import.meta.url), 'utf8')) as T;
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Uint8Array.from(Buffer.concat(chunks));
}
