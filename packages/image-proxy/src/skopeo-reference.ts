import {
  formatImageReference,
  formatRegistryName,
  parseContainersStorageName,
  parseOciLayoutRef,
  parseRegistryName,
  registryOf,
  skopeoStorageName,
  type ImageReference,
  type RegistryName,
} from '@cfskit/oci-ref';
import { ImageProxyError } from './errors.ts';

/** A reference in the words of skopeo: image ids without `sha256:`, and no tag beside a digest, which it refuses. */
export function skopeoReference({ transport, name }: ImageReference): string {
  if (transport === 'containers-storage') return `containers-storage:${skopeoStorageName(parseContainersStorageName(name))}`;
  if (transport !== 'registry') return formatImageReference({ transport, name });
  const parsed = parseRegistryName(name);
  return parsed.tag === undefined || parsed.digest === undefined
    ? formatImageReference({ transport, name })
    : registryReference(withDigest(parsed, parsed.digest));
}

/**
 * The image of another tag at the same place; in a registry a digest will do, too.
 *
 * @throws {ImageProxyError} TAG_UNSUPPORTED
 */
export function withTag(reference: ImageReference, tag: string | undefined): ImageReference {
  if (tag === undefined) return reference;
  const { transport, name } = reference;
  if (tag !== '' && transport === 'registry') {
    const place = placeOf(parseRegistryName(name));
    return { transport, name: formatRegistryName(tag.includes(':') ? { ...place, digest: tag } : { ...place, tag }) };
  }
  if (tag !== '' && (transport === 'oci' || transport === 'oci-archive'))
    return { transport, name: `${parseOciLayoutRef(name).path}:${tag}` };
  throw new ImageProxyError('TAG_UNSUPPORTED', `skopeo cannot be asked for the tag '${tag}' of ${formatImageReference(reference)}`);
}

/** The image that a digest names at the same place; undefined where digests cannot be asked for. */
export function pinned(reference: ImageReference, digest: string): ImageReference | undefined {
  if (reference.transport !== 'registry') return undefined;
  const { transport, name } = reference;
  return { transport, name: formatRegistryName(withDigest(parseRegistryName(name), digest)) };
}

/** The registry that credentials are for; undefined for what is in none. */
export function registryOfReference({ transport, name }: ImageReference): string | undefined {
  return transport === 'registry' ? registryOf(parseRegistryName(name)) : undefined;
}

function withDigest(name: RegistryName, digest: string): RegistryName {
  return { ...placeOf(name), digest };
}

function placeOf({ hostname, port, name }: RegistryName): RegistryName {
  return { hostname, name, ...(port !== undefined && { port }) };
}

function registryReference(name: RegistryName): string {
  return `docker://${formatRegistryName(name)}`;
}
