import { digestAlgorithm, OciSpecError } from '@cfskit/oci-spec';
import { OciRefError } from './errors.ts';

/** An image in a registry. Without tag and digest `latest` is meant; with both the digest decides. */
export interface RegistryName {
  /** As typed, IPv6 addresses in brackets. Docker Hub is always `docker.io`. */
  readonly hostname: string;
  readonly port?: number;
  /** The path, as in `/v2/<name>/`. */
  readonly name: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** Docker Hub, which is named differently in image names, requests and credential files. */
export const dockerHub = {
  hostname: 'docker.io',
  apiHost: 'registry-1.docker.io',
  loginKey: 'https://index.docker.io/v1/',
} as const;

const HUB_ALIASES: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io']);
const HUB_LIBRARY = 'library/';
const LONGEST_NAME = 255;

const HOST_LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?';
const HOSTNAME = new RegExp(`^(?:${HOST_LABEL}(?:\\.${HOST_LABEL})*|\\[[0-9A-Fa-f:.]+\\])$`);
const PATH_PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/**
 * Parse `[host[:port]/]path[:tag][@digest]`, with Docker's short names: the first part is a host if it holds a dot, a colon or an
 * upper-case letter, or is `localhost`; otherwise the image is on Docker Hub, below `library/` if the path has one part only.
 *
 * Every part is checked, so that it can stand in a URL or a file name.
 *
 * @throws {OciRefError} EMPTY_NAME, INVALID_NAME, INVALID_HOST, INVALID_PORT, INVALID_TAG, INVALID_DIGEST
 */
export function parseRegistryName(text: string): RegistryName {
  if (text === '') throw new OciRefError('EMPTY_NAME', text, 'wanted an image name, found an empty text');
  const { rest: tagged, digest } = cutDigest(text);
  const { rest: named, tag } = cutTag(text, tagged);
  const { host, path } = splitHost(named);
  const location = host === undefined ? { hostname: dockerHub.hostname } : parseHost(text, host);
  const name = isHub(location) && !path.includes('/') ? `${HUB_LIBRARY}${path}` : path;
  checkName(text, location, name);
  return { ...location, name, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/** The complete name, `docker.io/library/alpine:3.19`; parsing it gives the same name. Use it to compare names. */
export function formatRegistryName(name: RegistryName): string {
  return `${registryOf(name)}/${name.name}${suffix(name)}`;
}

/** The name as people write it: Docker Hub's without host and `library/`. Parsing it gives the same name. */
export function shortRegistryName(name: RegistryName): string {
  if (!isHub(name)) return formatRegistryName(name);
  const [first, ...others] = name.name.split('/');
  if (`${first}/` === HUB_LIBRARY && others.length === 1) return `${others[0]}${suffix(name)}`;
  return looksLikeHost(first!) || others.length === 0 ? formatRegistryName(name) : `${name.name}${suffix(name)}`;
}

/** `host` or `host:port`. */
export function registryOf({ hostname, port }: Pick<RegistryName, 'hostname' | 'port'>): string {
  return port === undefined ? hostname : `${hostname}:${port}`;
}

/** The host and port that requests go to. */
export function apiHostOf(name: RegistryName): string {
  return isHub(name) ? dockerHub.apiHost : registryOf(name);
}

/** What follows `manifests/` in a request: the digest, else the tag, else `latest`. */
export function manifestReferenceOf({ tag, digest }: RegistryName): string {
  return digest ?? tag ?? 'latest';
}

function isHub(location: Pick<RegistryName, 'hostname' | 'port'>): boolean {
  return registryOf(location) === dockerHub.hostname;
}

function suffix({ tag, digest }: RegistryName): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

function cutDigest(text: string): { readonly rest: string; readonly digest?: string } {
  const at = text.indexOf('@');
  if (at < 0) return { rest: text };
  const digest = text.slice(at + 1);
  try {
    digestAlgorithm(digest);
  } catch (cause) {
    if (cause instanceof OciSpecError) throw new OciRefError('INVALID_DIGEST', text, `${cause.message} in ${text}`, { cause });
    throw cause;
  }
  return { rest: text.slice(0, at), digest };
}

function cutTag(text: string, tagged: string): { readonly rest: string; readonly tag?: string } {
  const colon = tagged.lastIndexOf(':');
  if (colon < 0 || tagged.includes('/', colon)) return { rest: tagged };
  const tag = tagged.slice(colon + 1);
  if (!TAG.test(tag)) {
    throw new OciRefError('INVALID_TAG', text, `wanted at most 128 letters, digits, '.', '_' or '-' as tag, found '${tag}' in ${text}`);
  }
  return { rest: tagged.slice(0, colon), tag };
}

function splitHost(named: string): { readonly host?: string; readonly path: string } {
  const slash = named.indexOf('/');
  const first = slash < 0 ? '' : named.slice(0, slash);
  return looksLikeHost(first) ? { host: first, path: named.slice(slash + 1) } : { path: named };
}

function looksLikeHost(part: string): boolean {
  return part === 'localhost' || /[.:A-Z]/.test(part);
}

function parseHost(text: string, host: string): { readonly hostname: string; readonly port?: number } {
  const colon = host.endsWith(']') ? -1 : host.lastIndexOf(':');
  const hostname = colon < 0 ? host : host.slice(0, colon);
  if (!HOSTNAME.test(hostname))
    throw new OciRefError('INVALID_HOST', text, `wanted a host name or address, found '${hostname}' in ${text}`);
  if (colon >= 0) return { hostname, port: parsePort(text, host.slice(colon + 1)) };
  return { hostname: HUB_ALIASES.has(hostname) ? dockerHub.hostname : hostname };
}

function parsePort(text: string, digits: string): number {
  const port = /^[0-9]{1,5}$/.test(digits) ? Number(digits) : 0;
  if (port >= 1 && port <= 65535) return port;
  throw new OciRefError('INVALID_PORT', text, `wanted a port from 1 to 65535, found '${digits}' in ${text}`);
}

function checkName(text: string, location: { readonly hostname: string; readonly port?: number }, name: string): void {
  const length = registryOf(location).length + 1 + name.length;
  if (length > LONGEST_NAME) throw new OciRefError('INVALID_NAME', text, `wanted a name of at most ${LONGEST_NAME} bytes, found ${length}`);
  const bad = name.split('/').find((part) => !PATH_PART.test(part));
  if (bad === undefined) return;
  throw new OciRefError('INVALID_NAME', text, `wanted lower-case letters, digits and single separators, found '${bad}' in ${text}`);
}
