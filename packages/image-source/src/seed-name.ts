import { formatRegistryName, OciRefError, parseRegistryName, type RegistryName } from '@cfskit/oci-ref';
import { REF_NAME_ANNOTATION, type Descriptor } from '@cfskit/oci-spec';

/** The annotation that containerd and Docker give the whole name of an image in. */
const IMAGE_NAME_ANNOTATION = 'io.containerd.image.name';

/** How the entry of a seed's index fits a name that is asked for. */
export type NameMatch = 'name' | 'tag' | 'unnamed' | undefined;

/**
 * Whether an entry of an index is the image that is asked for, by its name. Names are compared as registries understand them, digests
 * left out, and no tag is `latest`. A bare tag fits if it is the one asked for; so does an entry without any name.
 */
export function matchName(entry: Descriptor, asked: RegistryName): NameMatch {
  const whole = entry.annotations?.[IMAGE_NAME_ANNOTATION];
  const short = entry.annotations?.[REF_NAME_ANNOTATION];
  const given = whole ?? short;
  if (given === undefined) return 'unnamed';
  if (nameKey(given) === keyOf(asked)) return 'name';
  return whole === undefined && isBareTag(given) && given === (asked.tag ?? 'latest') ? 'tag' : undefined;
}

/** Whether an entry says which repository it is from, so that its tag alone is not all there is. */
export function hasWholeName(entry: Descriptor): boolean {
  const { [IMAGE_NAME_ANNOTATION]: whole, [REF_NAME_ANNOTATION]: short } = entry.annotations ?? {};
  return whole !== undefined || (short !== undefined && !isBareTag(short));
}

/** A name in full, `docker.io/library/alpine:latest`, without digest. */
export function keyOf({ hostname, port, name, tag = 'latest' }: RegistryName): string {
  return formatRegistryName({ hostname, ...(port !== undefined && { port }), name, tag });
}

function nameKey(text: string): string | undefined {
  try {
    return keyOf(parseRegistryName(text));
  } catch (error) {
    if (error instanceof OciRefError) return undefined;
    throw error;
  }
}

function isBareTag(text: string): boolean {
  return !text.includes('/') && !text.includes(':');
}
