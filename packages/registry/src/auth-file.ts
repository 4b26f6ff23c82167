import { dockerHub } from '@cfskit/oci-ref';
import type { Credentials } from './credentials.ts';
import { CredentialError } from './errors.ts';

/** A credential file, as it is read and written: members that are not known stay as they are. */
export type AuthFile = Readonly<Record<string, unknown>>;

/**
 * Parse `{"auths": {…}, "credHelpers": {…}, "credsStore": …}`.
 *
 * @throws {CredentialError} INVALID_AUTH_FILE; nothing of the content is told
 */
export function parseAuthFile(text: string, path: string): AuthFile {
  let value: unknown;
  try {
    value = JSON.parse(text === '' ? '{}' : text);
  } catch {
    throw invalid(path, 'wanted JSON'); // no cause: its message would quote the file
  }
  if (!isObject(value)) throw invalid(path, 'wanted an object');
  for (const name of ['auths', 'credHelpers']) {
    const member = memberOf(value, name) ?? {};
    if (!isObject(member)) throw invalid(path, `wanted an object as ${name}`);
  }
  return value;
}

/** The entries, by key. */
export function authsOf(file: AuthFile): Readonly<Record<string, unknown>> {
  const auths = memberOf(file, 'auths');
  return isObject(auths) ? auths : {};
}

/** The helper that is set for this registry alone. */
export function helperFor(file: AuthFile, registry: string): string | undefined {
  const helpers = memberOf(file, 'credHelpers');
  if (!isObject(helpers)) return undefined;
  const name = aliasesOf(registry)
    .map((key) => memberOf(helpers, key))
    .find((value) => typeof value === 'string');
  return typeof name === 'string' && name !== '' ? name : undefined;
}

/** The registries that have a helper of their own. */
export function helpersOf(file: AuthFile): readonly (readonly [registry: string, helper: string])[] {
  const helpers = memberOf(file, 'credHelpers');
  return isObject(helpers) ? Object.entries(helpers).filter((entry): entry is [string, string] => typeof entry[1] === 'string') : [];
}

/** The helper for all registries that have none of their own. */
export function credsStoreOf(file: AuthFile): string | undefined {
  const name = memberOf(file, 'credsStore');
  return typeof name === 'string' && name !== '' ? name : undefined;
}

/**
 * The keys that may hold an entry, most specific first: the repository, its namespaces, the registry, and how Docker used to write it.
 *
 * @see {@link https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md}
 */
function entryKeys(registry: string, repository: string | undefined): readonly string[] {
  const parts = repository === undefined ? [] : repository.split('/');
  const nested = parts.map((_, i) => `${registry}/${parts.slice(0, parts.length - i).join('/')}`);
  return [...nested, ...aliasesOf(registry)];
}

/** Docker Hub goes by several names. */
export function aliasesOf(registry: string): readonly string[] {
  return registry === dockerHub.hostname ? [registry, 'index.docker.io', dockerHub.apiHost] : [registry];
}

/** The key whose entry counts for a registry; undefined if there is none. */
export function findKey(auths: Readonly<Record<string, unknown>>, registry: string, repository: string | undefined): string | undefined {
  const exact = entryKeys(registry, repository).find((key) => Object.hasOwn(auths, key));
  return exact ?? Object.keys(auths).find((key) => isLegacyKey(key) && aliasesOf(registry).includes(hostOfKey(key)));
}

/** `https://host/v1/` and the like. */
function isLegacyKey(key: string): boolean {
  return /^https?:\/\//.test(key);
}

/** The host in a key of either form. */
export function hostOfKey(key: string): string {
  return key.replace(/^https?:\/\//, '').split('/', 1)[0]!;
}

/**
 * What an entry holds; undefined if that is nothing, as where a helper keeps it.
 *
 * @throws {CredentialError} INVALID_AUTH_FILE
 */
export function readEntry(entry: unknown, key: string, path: string): Credentials | undefined {
  if (!isObject(entry)) throw invalid(path, `wanted an object as entry of ${key}`);
  const text = (name: string): string | undefined => {
    const value = memberOf(entry, name);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const [identityToken, registryToken, auth] = [text('identitytoken'), text('registrytoken'), text('auth')];
  if (identityToken !== undefined) return { identityToken };
  if (registryToken !== undefined) return { registryToken };
  if (auth !== undefined) return decodeAuth(auth, key, path);
  const [username, password] = [text('username'), text('password')];
  return username === undefined || password === undefined ? undefined : { username, password };
}

function decodeAuth(auth: string, key: string, path: string): Credentials {
  // Some writers have padded the password with zero bytes.
  const text = /^[A-Za-z0-9+/_=-]+$/.test(auth) ? Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '') : '';
  const colon = text.indexOf(':');
  if (colon < 1) throw invalid(path, `wanted user:password in base64 as auth of ${key}`);
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** The value of `auth`. */
export function encodeAuth(username: string, password: string): string {
  return Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
}

function memberOf(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(path: string, what: string): CredentialError {
  return new CredentialError('INVALID_AUTH_FILE', `${what} in ${path}`, path);
}
