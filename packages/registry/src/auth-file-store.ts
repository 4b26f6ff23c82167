import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, readFile, realpath, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { syncDirectory } from '@cfskit/linux';
import { parseAuthFile, type AuthFile } from './auth-file.ts';
import { CredentialError, hasCode } from './errors.ts';
import type { Environment } from './proxy.ts';

/** Where credential files are looked for. */
export interface AuthFilePlaces {
  /** Before all others, and the one that is written. */
  readonly authFile?: string;
  /** `process.env` if not said. */
  readonly env?: Environment;
  /** The user's home directory if not said. */
  readonly home?: string;
}

/** One place, and whether somebody asked for it by name. */
export interface AuthFilePath {
  readonly path: string;
  readonly isWanted: boolean;
  /** `~/.dockercfg`: entries at the top, no helpers. */
  readonly isLegacy: boolean;
}

/**
 * Every place for credentials, in the order of containers-auth.json(5): the one given, `REGISTRY_AUTH_FILE`, the user's runtime directory,
 * the user's configuration, Docker's configuration, and what Docker had before that.
 */
export function authFilePaths(places: AuthFilePlaces = {}): readonly AuthFilePath[] {
  const { authFile, env = process.env, home = homedir() } = places;
  const wanted = [authFile, env['REGISTRY_AUTH_FILE']].filter((path) => path !== undefined && path !== '');
  const config = nonEmpty(env['XDG_CONFIG_HOME']) ?? join(home, '.config');
  const docker = nonEmpty(env['DOCKER_CONFIG']) ?? join(home, '.docker');
  return [
    ...wanted.map((path) => ({ path: path!, isWanted: true, isLegacy: false })),
    ...[...runtimeFile(env), join(config, 'containers/auth.json'), join(docker, 'config.json')].map((path) => ({
      path,
      isWanted: false,
      isLegacy: false,
    })),
    { path: join(home, '.dockercfg'), isWanted: false, isLegacy: true },
  ];
}

/** The file that `login` writes. */
export function defaultAuthFile(places: AuthFilePlaces = {}): string {
  return authFilePaths(places)[0]!.path;
}

// Only Linux has a directory that goes away when the user logs out.
function runtimeFile(env: Environment): readonly string[] {
  if (process.platform !== 'linux') return [];
  const runtime = nonEmpty(env['XDG_RUNTIME_DIR']);
  if (runtime !== undefined) return [join(runtime, 'containers/auth.json')];
  return [`/run/containers/${process.getuid?.() ?? 0}/auth.json`];
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/**
 * Read a credential file.
 *
 * @returns undefined if there is none
 * @throws {CredentialError} INVALID_AUTH_FILE, AUTH_FILE_ACCESS
 */
export async function readAuthFile(path: string): Promise<AuthFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (hasCode(cause, 'ENOENT', 'ENOTDIR')) return undefined;
    throw new CredentialError('AUTH_FILE_ACCESS', `cannot read ${path}`, path, { cause });
  }
  return parseAuthFile(text, path);
}

/**
 * Replace a credential file: directory 0700, file 0600, under its name only when complete. A symbolic link stays one.
 *
 * @throws {CredentialError} AUTH_FILE_ACCESS
 */
export async function writeAuthFile(path: string, file: AuthFile): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await replaceFile(await targetOf(path), `${JSON.stringify(file, undefined, '\t')}\n`);
  } catch (cause) {
    throw new CredentialError('AUTH_FILE_ACCESS', `cannot write ${path}`, path, { cause });
  }
}

async function targetOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return path;
    throw error;
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await chmod(temporary, 0o600); // whatever the umask took away
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}
