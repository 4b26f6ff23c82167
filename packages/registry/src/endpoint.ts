import { apiHostOf, dockerHub, formatRegistryName, OciRefError, parseRegistryName, registryOf, type RegistryName } from '@cfskit/oci-ref';
import { optionsOf, type RegistryOptions, type RegistryTable } from './registry-options.ts';

/** A place that serves a repository: the registry itself or a mirror of it. */
export interface Endpoint {
  /** `host[:port]` that requests go to. */
  readonly host: string;
  /** The name that options and credentials are kept under. */
  readonly registry: string;
  /** As in `/v2/<repository>/`; empty where the registry as a whole is meant. */
  readonly repository: string;
  readonly isMirror: boolean;
  readonly options: RegistryOptions;
}

/** A name as it is typed or as it is parsed; checked in both cases. */
export type NameInput = string | RegistryName;

/** @throws {OciRefError} for what is no name */
export function toName(name: NameInput): RegistryName {
  return parseRegistryName(typeof name === 'string' ? name : formatRegistryName(name));
}

/** The registry itself. */
export function originOf(name: RegistryName, table: RegistryTable): Endpoint {
  const registry = registryOf(name);
  return { host: apiHostOf(name), registry, repository: name.name, isMirror: false, options: optionsOf(table, registry) };
}

/** Mirrors in their order, and the registry itself at the end, once. */
export function endpointsOf(name: RegistryName, table: RegistryTable): readonly Endpoint[] {
  const origin = originOf(name, table);
  const mirrors = (origin.options.mirrors ?? []).map((mirror) => mirrorOf(mirror, name, table));
  const others = mirrors.filter(({ host, repository }) => host !== origin.host || repository !== origin.repository);
  return [...others, origin];
}

function mirrorOf(mirror: string, name: RegistryName, table: RegistryTable): Endpoint {
  const parsed = parseRegistryName(`${mirror}/${name.name}`);
  return { ...originOf(parsed, table), isMirror: true };
}

/**
 * The registry that a user means: `ghcr.io`, `https://ghcr.io/`, `docker.io` and its other names.
 *
 * @returns `host[:port]`, Docker Hub as `docker.io`
 * @throws {OciRefError} for what is none
 */
export function parseRegistry(text: string): string {
  const host = text.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '');
  if (host === dockerHub.apiHost) return dockerHub.hostname;
  const name = parseRegistryName(`${host}/x/y`);
  if (name.name === 'x/y') return registryOf(name);
  throw new OciRefError('INVALID_HOST', text, `wanted a registry such as ghcr.io or localhost:5000, found '${text}'`);
}

/** The registry as a whole. */
export function wholeRegistry(registry: string, table: RegistryTable): Endpoint {
  return { ...originOf(parseRegistryName(`${registry}/x/y`), table), repository: '' };
}

/** A server that is no registry, and has a single file that is wanted. */
export function foreignEndpoint({ host }: URL): Endpoint {
  return { host, registry: host, repository: '', isMirror: false, options: { plainHttp: 'never' } };
}

/** The name that options are kept under for a host that requests go to. */
export function registryOfHost(host: string): string {
  return host === dockerHub.apiHost ? dockerHub.hostname : host;
}
