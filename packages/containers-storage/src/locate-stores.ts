import { parseStoreSpec } from '@cfskit/oci-ref';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ContainersStorageError, hasCode } from './errors.ts';
import { parseStorageConf, type StorageConf } from './storage-conf.ts';

/** Where a store may be. */
export interface StorePlace {
  readonly root: string;
  /** Unless told, the one whose directories are there. */
  readonly driver?: string;
}

/** What decides where stores are looked for. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Whether this is an ordinary user, in a user namespace or not. */
  readonly isRootless: boolean;
}

/**
 * The places where stores may be, the first one first: `CONTAINERS_STORAGE_ROOT`, what `storage.conf` says, the user's own, the system's, and then those
 * that are only read. A reference that names a store looks nowhere else, but in the image stores that it names as well.
 *
 * @param storeSpec what stands in the brackets of a reference
 */
export function storePlaces(storeSpec: string | undefined, surroundings: Surroundings): readonly StorePlace[] {
  const spec = parseStoreSpec(storeSpec ?? '');
  const driver = spec.driver === undefined || spec.driver === '' ? undefined : spec.driver;
  const added = imageStoresIn(spec.options);
  const roots = spec.graphRoot === '' ? usualPlaces(surroundings, driver) : [place(spec.graphRoot, driver)];
  const places = [...roots, ...added.map((root) => place(root, driver))];
  return unique(places.map((one) => place(resolve(surroundings.cwd, one.root), one.driver)));
}

function usualPlaces({ env, isRootless }: Surroundings, wanted: string | undefined): readonly StorePlace[] {
  const conf = readConf(env, isRootless);
  const driver = wanted ?? nonEmpty(env['STORAGE_DRIVER']) ?? conf.driver;
  const home = nonEmpty(env['HOME']);
  const data = nonEmpty(env['XDG_DATA_HOME']);
  const configured = isRootless ? conf.rootlessPath && expand(conf.rootlessPath, env) : conf.graphRoot;
  const own = [
    nonEmpty(env['CONTAINERS_STORAGE_ROOT']),
    configured,
    home && data && join(data, 'containers/storage'),
    home && join(home, '.local/share/containers/storage'),
    '/var/lib/containers/storage',
  ].filter((root) => root !== undefined);
  const readOnly = [...imageStoresIn((env['STORAGE_OPTS'] ?? '').split(',')), ...conf.imageStores];
  // The configured driver is that of the configured store; elsewhere what is there decides.
  return [...own.map((root) => place(root, wanted ?? (root === configured ? driver : undefined))), ...readOnly.map((root) => place(root))];
}

function place(root: string, driver?: string): StorePlace {
  return driver === undefined ? { root } : { root, driver };
}

function readConf(env: Surroundings['env'], isRootless: boolean): StorageConf {
  const home = nonEmpty(env['HOME']);
  const config = nonEmpty(env['XDG_CONFIG_HOME']) ?? (home && join(home, '.config'));
  const named = nonEmpty(env['CONTAINERS_STORAGE_CONF']);
  const usual = [
    ...(isRootless && config !== undefined ? [join(config, 'containers/storage.conf')] : []),
    '/etc/containers/storage.conf',
    '/usr/share/containers/storage.conf',
  ];
  for (const path of named === undefined ? usual : [named]) {
    const text = readIfAny(path);
    if (text !== undefined) return parseStorageConf(text);
  }
  return { imageStores: [] };
}

function readIfAny(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (hasCode(cause, 'ENOENT', 'ENOTDIR')) return undefined;
    if (hasCode(cause, 'EACCES', 'EISDIR')) throw new ContainersStorageError('NOT_READABLE', path, 'cannot be read', { cause });
    throw cause;
  }
}

/** Names of options may have that of a driver in front: `overlay.imagestore=/x`. */
function imageStoresIn(options: readonly string[]): readonly string[] {
  return options.flatMap((option) => {
    const [, path] = /^(?:\w+\.)?(?:additional)?imagestore=(.+)$/.exec(option.trim()) ?? [];
    return path === undefined ? [] : [path];
  });
}

function expand(path: string, env: Surroundings['env']): string {
  return path.replace(/\$(HOME|USER|UID)\b/g, (name, key: string) =>
    key === 'UID' ? String(process.getuid?.() ?? name) : (env[key] ?? name),
  );
}

function unique(places: readonly StorePlace[]): readonly StorePlace[] {
  return places.filter(({ root }, index) => places.findIndex((other) => other.root === root) === index);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
