import { MAX_JSON_SIZE, OciSpecError, parseDescriptor, parseJson, type Descriptor } from '@cfskit/oci-spec';
import { OciDirError } from './errors.ts';
import type { ReadLayoutFile } from './layout-store.ts';

/** The file that lists the images of a docker-save archive. */
export const DOCKER_MANIFEST = 'manifest.json';

/** One image of a docker-save archive. Paths are names in the archive. */
export interface DockerItem {
  readonly config: string;
  /** As `docker tag` shows them; none for an image that was saved by its id. */
  readonly names: readonly string[];
  /** Bottom first. */
  readonly layers: readonly string[];
  /** Layers by diff_id, where the archive describes them: those that are kept elsewhere. */
  readonly sources: ReadonlyMap<string, Descriptor>;
}

/**
 * The images in a docker-save archive.
 *
 * @returns undefined if there is no `manifest.json`
 * @throws {OciDirError} INVALID_INDEX with the reason as `cause`, TOO_LARGE
 */
export async function readDockerManifest(read: ReadLayoutFile): Promise<readonly DockerItem[] | undefined> {
  const bytes = await read(DOCKER_MANIFEST, MAX_JSON_SIZE);
  if (bytes === undefined) return undefined;
  try {
    return list(parseJson(bytes), 'images').map(readItem);
  } catch (cause) {
    if (!(cause instanceof OciSpecError)) throw cause;
    throw new OciDirError('INVALID_INDEX', DOCKER_MANIFEST, `${DOCKER_MANIFEST} cannot be read`, { cause });
  }
}

function readItem(value: unknown, at: number): DockerItem {
  if (typeof value !== 'object' || value === null) throw invalid(`[${at}]`, 'an object');
  const item = value as Readonly<Record<string, unknown>>;
  return {
    config: readPath(item['Config'], `[${at}].Config`),
    names: list(item['RepoTags'] ?? [], `[${at}].RepoTags`).map((name, i) => readText(name, `[${at}].RepoTags[${i}]`)),
    layers: list(item['Layers'] ?? [], `[${at}].Layers`).map((layer, i) => readPath(layer, `[${at}].Layers[${i}]`)),
    sources: readSources(item['LayerSources'] ?? {}, `[${at}].LayerSources`),
  };
}

function readSources(value: unknown, path: string): ReadonlyMap<string, Descriptor> {
  if (typeof value !== 'object' || value === null) throw invalid(path, 'an object');
  const encoder = new TextEncoder();
  return new Map(Object.entries(value).map(([diffId, source]) => [diffId, parseDescriptor(encoder.encode(JSON.stringify(source)))]));
}

function list(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  throw invalid(path, 'a list');
}

function readText(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw invalid(path, 'a text');
}

function readPath(value: unknown, path: string): string {
  const text = readText(value, path);
  if (text !== '' && !text.startsWith('/') && !text.split('/').includes('..')) return text;
  throw invalid(path, 'a path inside the archive');
}

function invalid(path: string, wanted: string): OciSpecError {
  return new OciSpecError('INVALID_FIELD', `wanted ${wanted} as ${path}`, { path });
}
