import { authsOf, credsStoreOf, findKey, helperFor, readEntry, type AuthFile } from './auth-file.ts';
import { authFilePaths, readAuthFile, type AuthFilePath, type AuthFilePlaces } from './auth-file-store.ts';
import { getFromHelper } from './credential-helper.ts';
import type { CredentialProvider, Credentials, CredentialTarget } from './credentials.ts';
import { CredentialError } from './errors.ts';
import type { Environment } from './proxy.ts';

/** Where to look, and how long to wait for a helper. */
export interface CredentialFilesOptions extends AuthFilePlaces {
  /** 30 seconds if not said. */
  readonly helperTimeoutMs?: number;
}

interface LookUp extends CredentialTarget {
  readonly env: Environment;
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * Credentials from the files of containers' tools and Docker and from the helper programs they name. Files are read at each call, the
 * first one that has the registry counts. In a file: a helper set for the registry, then its entry, then the helper for all.
 *
 * The provider rejects with `CredentialError`: INVALID_AUTH_FILE, AUTH_FILE_ACCESS (also for a file asked for by name that is not there),
 * INVALID_HELPER, HELPER_NOT_FOUND, HELPER_FAILED, HELPER_TIMEOUT.
 */
export function credentialFiles(options: CredentialFilesOptions = {}): CredentialProvider {
  return async (target, { signal }) => {
    const { env = process.env, helperTimeoutMs: timeoutMs } = options;
    for (const place of authFilePaths(options)) {
      signal?.throwIfAborted();
      const file = await readPlace(place);
      const found = file && (await lookUpIn(file, place.path, { ...target, env, timeoutMs, signal }));
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

async function readPlace({ path, isWanted, isLegacy }: AuthFilePath): Promise<AuthFile | undefined> {
  try {
    const file = await readAuthFile(path);
    if (file !== undefined) return isLegacy ? { auths: file } : file;
  } catch (error) {
    // What nobody asked for, and what we may not even look at, might as well not be there.
    if (isWanted || !(error instanceof CredentialError) || error.code !== 'AUTH_FILE_ACCESS') throw error;
    return undefined;
  }
  if (isWanted) throw new CredentialError('AUTH_FILE_ACCESS', `no such credential file: ${path}`, path);
  return undefined;
}

async function lookUpIn(file: AuthFile, path: string, lookUp: LookUp): Promise<Credentials | undefined> {
  const { registry, repository } = lookUp;
  const helper = helperFor(file, registry);
  if (helper !== undefined) return await fromHelper(helper, lookUp);
  const auths = authsOf(file);
  const key = findKey(auths, registry, repository);
  const entry = key === undefined ? undefined : readEntry(auths[key], key, path);
  if (entry !== undefined) return entry;
  const store = credsStoreOf(file);
  return store === undefined ? undefined : await fromHelper(store, lookUp);
}

async function fromHelper(helper: string, { registry, env, timeoutMs, signal }: LookUp): Promise<Credentials | undefined> {
  return await getFromHelper({
    helper,
    registry,
    env,
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(signal !== undefined && { signal }),
  });
}
