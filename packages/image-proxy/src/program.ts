import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import type { Transport } from '@cfskit/oci-ref';
import { hasCode, ImageProxyError } from './errors.ts';
import type { SkopeoOptions } from './skopeo-options.ts';

/** What a command line begins with, every program with its path. */
export interface Launcher {
  readonly program: string;
  readonly args: readonly string[];
}

/** Where and as whom programs are run. */
export interface Surroundings {
  /** Undefined where there are no user ids. */
  readonly userId: number | undefined;
  readonly isMainThread: boolean;
}

/** Those of this process. */
export function surroundings(): Surroundings {
  return { userId: process.getuid?.(), isMainThread };
}

/**
 * How skopeo is started for a transport. The containers storage of a user who is not root is only seen in the user's own namespace, which skopeo does
 * not enter by itself (skopeo issue 2563); so podman does.
 *
 * @throws {ImageProxyError} SKOPEO_MISSING
 */
export function skopeoLauncher(transport: Transport, options: SkopeoOptions, { userId, isMainThread: isMain }: Surroundings): Launcher {
  const skopeo = findProgram(options.skopeo ?? 'skopeo', options, `the transport ${transport}: is read by skopeo`);
  const needsNamespace = transport === 'containers-storage' && userId !== undefined && userId !== 0;
  const command = needsNamespace ? [findProgram(options.podman ?? 'podman', options, NAMESPACE_REASON), 'unshare', skopeo] : [skopeo];
  const [program, ...args] = [...(isMain ? lifeline(options) : []), ...command];
  return { program: program!, args };
}

const NAMESPACE_REASON = 'the containers storage of an ordinary user is read through podman unshare';

/**
 * A wrapper that ends the child when we are killed, which a child that waits for the network would not notice. The signal comes when the thread that
 * started the child ends, so it is for the main thread only.
 */
function lifeline(options: SkopeoOptions): readonly string[] {
  const setpriv = locate('setpriv', options);
  return setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'SIGTERM', '--'];
}

function findProgram(name: string, options: SkopeoOptions, reason: string): string {
  const path = locate(name, options);
  if (path !== undefined) return path;
  const place = name.includes('/') ? resolve(options.cwd ?? '.', name) : undefined;
  const state = place !== undefined && isFile(place) ? 'is not executable' : place === undefined ? 'is not on PATH' : 'does not exist';
  throw new ImageProxyError('SKOPEO_MISSING', `${name} ${state}; ${reason}`);
}

function locate(name: string, { cwd, env = process.env }: SkopeoOptions): string | undefined {
  const base = cwd ?? process.cwd();
  if (isAbsolute(name) || name.includes('/')) return isExecutable(resolve(base, name)) ? resolve(base, name) : undefined;
  const directories = (env['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '');
  return directories.map((directory) => join(resolve(base, directory), name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return false;
    throw error;
  }
  return isFile(path);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
