import { OciRefError } from './errors.ts';

/** Where an image is: `registry` is written `docker://`. */
export type Transport = 'registry' | 'oci' | 'oci-archive' | 'docker-archive' | 'containers-storage' | 'dir' | 'docker-daemon';

/** A source image. What `name` means is up to the transport. */
export interface ImageReference {
  readonly transport: Transport;
  readonly name: string;
}

const TRANSPORTS: ReadonlyMap<string, Transport> = new Map([
  ['docker', 'registry'],
  ['registry', 'registry'],
  ['oci', 'oci'],
  ['oci-archive', 'oci-archive'],
  ['docker-archive', 'docker-archive'],
  ['containers-storage', 'containers-storage'],
  ['dir', 'dir'],
  ['docker-daemon', 'docker-daemon'],
]);

/** Every transport as it begins a reference, `docker://` first. */
export const transportPrefixes: readonly string[] = [...TRANSPORTS.keys()].map(prefixOf);

/**
 * Split `transport:name` at the first colon. The transport is compared byte for byte, and nothing is trimmed; a bare registry name is
 * not a reference.
 *
 * @throws {OciRefError} MISSING_COLON, UNKNOWN_TRANSPORT, MISSING_SLASHES, EMPTY_NAME
 */
export function parseImageReference(text: string): ImageReference {
  const colon = text.indexOf(':');
  if (colon < 0) throw new OciRefError('MISSING_COLON', text, `Missing ':' in ${text}`);
  const prefix = text.slice(0, colon);
  const transport = TRANSPORTS.get(prefix);
  if (transport === undefined) throw new OciRefError('UNKNOWN_TRANSPORT', text, `Unknown transport '${prefix}'`);
  const name = prefix === 'docker' ? withoutSlashes(text, colon + 1) : text.slice(colon + 1);
  if (name === '') throw new OciRefError('EMPTY_NAME', text, `Invalid empty name in ${text}`);
  return { transport, name };
}

/** The reference as text; registries are always written `docker://`. Parsing it gives the same reference, unless `name` is empty. */
export function formatImageReference({ transport, name }: ImageReference): string {
  return transport === 'registry' ? `docker://${name}` : `${transport}:${name}`;
}

/**
 * The transport of a text that may still be unfinished: only the prefix is looked at, and the name may be missing.
 *
 * @throws {OciRefError} MISSING_COLON, UNKNOWN_TRANSPORT
 */
export function parseTransport(text: string): Transport {
  const colon = text.indexOf(':');
  if (colon < 0) throw new OciRefError('MISSING_COLON', text, `Missing ':' in imgref`);
  const prefix = text.slice(0, colon);
  const transport = TRANSPORTS.get(prefix);
  if (transport === undefined || (prefix === 'docker' && !text.startsWith('//', colon + 1))) {
    throw new OciRefError('UNKNOWN_TRANSPORT', text, `Invalid transport: ${prefix}`);
  }
  return transport;
}

function prefixOf(name: string): string {
  return name === 'docker' ? 'docker://' : `${name}:`;
}

function withoutSlashes(text: string, start: number): string {
  if (text.startsWith('//', start)) return text.slice(start + 2);
  throw new OciRefError('MISSING_SLASHES', text, `Missing // in docker:// in ${text}`);
}
