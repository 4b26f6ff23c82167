import { dockerHub, OciRefError } from '@cfskit/oci-ref';
import { aliasesOf, authsOf, credsStoreOf, encodeAuth, helperFor, helpersOf, hostOfKey, type AuthFile } from './auth-file.ts';
import { defaultAuthFile, readAuthFile, writeAuthFile, type AuthFilePlaces } from './auth-file-store.ts';
import { eraseFromHelper, listInHelper, storeInHelper, type HelperCall } from './credential-helper.ts';
import type { PasswordCredentials } from './credentials.ts';
import { parseRegistry } from './endpoint.ts';
import { CredentialError } from './errors.ts';

/** Which credential file is meant, and how long to wait for a helper. */
export interface LoginOptions extends AuthFilePlaces {
  readonly helperTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Where a login was put. */
export interface StoredLogin {
  /** As it is kept: `host[:port]`, Docker Hub as `docker.io`. */
  readonly registry: string;
  /** The file that says where the login is. */
  readonly authFile: string;
  /** The helper that has it, where the file names one for this registry. */
  readonly helper?: string;
}

/**
 * Keep credentials for a registry: in the credential file, which is replaced as a whole with mode 0600, or with the helper that the file
 * sets for this registry. Not checked against the registry; `RegistryClient.authenticate` does that.
 *
 * @throws {CredentialError}
 */
export async function login(registry: string, credentials: PasswordCredentials, options: LoginOptions = {}): Promise<StoredLogin> {
  const key = registryKey(registry);
  const { username, password } = credentials;
  if (username === '' || /[:\p{Cc}]/u.test(username)) throw new CredentialError('INVALID_LOGIN', 'wanted a user name without colon');
  if (password === '') throw new CredentialError('INVALID_LOGIN', 'wanted a password, found an empty text');
  const authFile = defaultAuthFile(options);
  const file = (await readAuthFile(authFile)) ?? {};
  const helper = helperFor(file, key) ?? credsStoreOf(file);
  if (helper !== undefined) {
    await storeInHelper(helperCall(helper, key, options), credentials);
    return { registry: key, authFile, helper };
  }
  const auths = { ...withoutRegistry(authsOf(file), key), [key]: { auth: encodeAuth(username, password) } };
  await writeAuthFile(authFile, { ...file, auths });
  return { registry: key, authFile };
}

/**
 * Forget the credentials for a registry, in the one file that {@link login} writes, or with the helper it names.
 *
 * @throws {CredentialError} NOT_LOGGED_IN if there are none
 */
export async function logout(registry: string, options: LoginOptions = {}): Promise<StoredLogin> {
  const key = registryKey(registry);
  const authFile = defaultAuthFile(options);
  const file = (await readAuthFile(authFile)) ?? {};
  const helper = helperFor(file, key) ?? credsStoreOf(file);
  const auths = authsOf(file);
  const rest = withoutRegistry(auths, key);
  const hasEntry = Object.keys(rest).length < Object.keys(auths).length;
  if (hasEntry) await writeAuthFile(authFile, { ...file, auths: rest });
  if (helper !== undefined) {
    await eraseFromHelper(helperCall(helper, key, options));
    return { registry: key, authFile, helper };
  }
  if (!hasEntry) throw new CredentialError('NOT_LOGGED_IN', `not logged in to ${key} in ${authFile}`, authFile);
  return { registry: key, authFile };
}

/**
 * Forget all credentials of that file and of the helpers it names.
 *
 * @returns the registries that were there
 */
export async function logoutAll(options: LoginOptions = {}): Promise<readonly string[]> {
  const authFile = defaultAuthFile(options);
  const file = await readAuthFile(authFile);
  if (file === undefined) return [];
  const removed = new Set(Object.keys(authsOf(file)).map(registryOfKey));
  for (const registry of await eraseAllFromHelpers(file, options)) removed.add(registry);
  if (Object.keys(authsOf(file)).length > 0) await writeAuthFile(authFile, { ...file, auths: {} });
  return [...removed].toSorted();
}

async function eraseAllFromHelpers(file: AuthFile, options: LoginOptions): Promise<readonly string[]> {
  const erased: string[] = [];
  for (const [registry, helper] of helpersOf(file)) {
    await eraseFromHelper(helperCall(helper, registryOfKey(registry), options));
    erased.push(registryOfKey(registry));
  }
  const store = credsStoreOf(file);
  if (store === undefined) return erased;
  for (const server of await listInHelper(helperCall(store, '', options))) {
    await eraseFromHelper(helperCall(store, registryOfKey(server), options));
    erased.push(registryOfKey(server));
  }
  return erased;
}

function registryKey(registry: string): string {
  try {
    return parseRegistry(registry);
  } catch (cause) {
    if (!(cause instanceof OciRefError)) throw cause;
    throw new CredentialError('INVALID_REGISTRY', cause.message, undefined, { cause });
  }
}

/** A key of the file as the name of a registry; namespaces stay, for they are logins of their own. */
function registryOfKey(key: string): string {
  const name = /^https?:\/\//.test(key) ? hostOfKey(key) : key;
  return aliasesOf(dockerHub.hostname).includes(name) ? dockerHub.hostname : name;
}

/** Without any entry for this registry, in whichever form it was written. Entries for namespaces stay. */
function withoutRegistry(auths: Readonly<Record<string, unknown>>, registry: string): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(auths).filter(([key]) => registryOfKey(key) !== registry));
}

function helperCall(helper: string, registry: string, { env = process.env, helperTimeoutMs, signal }: LoginOptions): HelperCall {
  return {
    helper,
    registry,
    env,
    ...(helperTimeoutMs !== undefined && { timeoutMs: helperTimeoutMs }),
    ...(signal !== undefined && { signal }),
  };
}
