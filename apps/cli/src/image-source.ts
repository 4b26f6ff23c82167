import { isAbsolute, relative, resolve } from 'node:path';
import { CliError, UsageError, type CommandContext } from '@cfskit/cli-kit';
import { readValue } from '@cfskit/cli-kit/access';
import { openFetcher, parseArchiveRef, type Fetcher } from '@cfskit/image-source';
import {
  OciRefError,
  parseImageReference,
  parseOciLayoutRef,
  parseRegistryName,
  type ImageReference,
  type Transport,
} from '@cfskit/oci-ref';
import type { RegistryClientOptions } from '@cfskit/registry';

/** What this program reads itself, and how it is written. */
const READABLE: ReadonlyMap<Transport, string> = new Map([
  ['registry', 'docker://NAME'],
  ['oci', 'oci:DIR[:TAG]'],
  ['oci-archive', 'oci-archive:FILE[:TAG]'],
  ['docker-archive', 'docker-archive:FILE[:NAME]'],
  ['dir', 'dir:PATH'],
]);
const WRITABLE: ReadonlyMap<Transport, string> = new Map([...READABLE].filter(([transport]) => transport !== 'docker-archive'));

/** What a pull can read besides, through skopeo or from the storage itself. */
const PULLABLE: ReadonlyMap<Transport, string> = new Map([
  ...READABLE,
  ['containers-storage', 'containers-storage:NAME'],
  ['docker-daemon', 'docker-daemon:NAME'],
]);

/** How the help describes a source image. */
export const SOURCE_TEXT: string =
  'The image: docker://NAME, oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME] or dir:PATH';

/** The same for a pull. */
export const PULL_SOURCE_TEXT: string =
  'The image: docker://NAME, oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME], dir:PATH, containers-storage:NAME or docker-daemon:NAME';

/**
 * Understand a source image as it was typed. Nothing is opened.
 *
 * @param what how the help calls it
 * @throws {UsageError} it is no reference. {CliError} UNSUPPORTED, a transport that this program cannot read
 */
export function parseSource(text: string, what = 'SOURCE'): ImageReference {
  return parseFor(text, what, READABLE);
}

/**
 * The same for the source of a pull.
 *
 * @throws {UsageError} it is no reference
 */
export function parsePullSource(text: string): ImageReference {
  return parseFor(text, 'SOURCE', PULLABLE);
}

/**
 * The same for a place to write to.
 *
 * @throws {UsageError} it is no reference. {CliError} UNSUPPORTED, a transport that this program cannot write
 */
export function parseDestination(text: string, what = 'DST'): ImageReference {
  return parseFor(text, what, WRITABLE);
}

function parseFor(text: string, what: string, forms: ReadonlyMap<Transport, string>): ImageReference {
  const reference = readReference(text, what, forms);
  const { transport, name } = reference;
  if (transport === 'registry') readValue(what, () => parseRegistryName(name));
  if (forms.has(transport)) return reference;
  const message = `transport '${transport}' is not supported; supported: ${[...forms.values()].join(', ')}`;
  throw new CliError('UNSUPPORTED', message, { detail: { transport, supported: [...forms.keys()] } });
}

function readReference(text: string, what: string, forms: ReadonlyMap<Transport, string>): ImageReference {
  try {
    return readValue(what, () => parseImageReference(text));
  } catch (error) {
    const isOther = error instanceof UsageError && error.cause instanceof OciRefError && NO_TRANSPORT.has(error.cause.code);
    if (!isOther) throw error;
    throw new UsageError(`${error.message}; wanted ${[...forms.values()].join(', ')}`, { cause: error.cause });
  }
}

const NO_TRANSPORT: ReadonlySet<string> = new Set(['MISSING_COLON', 'MISSING_SLASHES', 'UNKNOWN_TRANSPORT']);

/** The reference with its path as this process sees it, where the working directory of the world is another one. */
export function located(reference: ImageReference, cwd: string): ImageReference {
  const { transport } = reference;
  if (transport === 'registry') return reference;
  const { path, rest } = pathOf(reference);
  if (isAbsolute(path)) return reference;
  // It stays relative, for a colon in the working directory would be taken for that of a name.
  const seen = relative(process.cwd(), resolve(cwd, path)) || '.';
  const closed = transport === 'oci' && rest === '' && seen.includes(':') ? `${seen}/` : seen;
  return { transport, name: `${closed}${rest}` };
}

/** Cut the path off a reference to files; what is behind it begins with a colon. */
function pathOf({ transport, name }: ImageReference): { readonly path: string; readonly rest: string } {
  const path = transport === 'dir' ? name : transport === 'oci' ? parseOciLayoutRef(name).path : parseArchiveRef(name).path;
  return { path, rest: name.slice(path.length) };
}

/** What is asked before the network. */
export interface SeedValues {
  readonly seed: readonly string[];
  readonly offline: boolean;
  /** Whether layers are fetched that are not with their image. */
  readonly 'foreign-layers'?: boolean;
}

/** Open what images are fetched with, use it, and close it again whatever happens. */
export async function withFetcher<T>(
  registry: RegistryClientOptions,
  { seed, offline, 'foreign-layers': foreignLayers = false }: SeedValues,
  { world, signal, log }: CommandContext,
  use: (fetcher: Fetcher) => Promise<T>,
): Promise<T> {
  const fetcher = await openFetcher({
    registry,
    seeds: seed.map((path) => resolve(world.cwd, path)),
    offline,
    foreignLayers,
    signal,
    onWarning: (text) => log.warn(text),
  });
  try {
    return await use(fetcher);
  } finally {
    await fetcher.close();
  }
}

/** No seeds, for commands that go to the source itself. */
export const noSeeds: SeedValues = { seed: [], offline: false };
