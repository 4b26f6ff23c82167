import { dockerHub, formatRegistryName, parseRegistryName, registryOf, type RegistryName } from '@cfskit/oci-ref';
import { digestOfManifest } from './big-data.ts';
import type { ImageRecord } from './records.ts';

/** What a reference asks a store for. An image has to be all that is said here. */
export interface WantedImage {
  /** Names, any of which will do, each complete but for what a digest says: `docker.io/library/alpine:latest`. Empty if no name was said. */
  readonly names: readonly string[];
  /** The id, or its beginning. */
  readonly id?: string;
  /** Digest of the manifest or index. */
  readonly digest?: string;
  /** What else the text may mean, if there is no image of this kind. */
  readonly otherwise?: WantedImage;
}

/** Shortest beginning of an id that counts as one. */
const SHORTEST_ID = 3;
const HEX = /^[0-9a-f]+$/;
const WHOLE_ID = /^@?(?:sha256:)?([0-9a-f]{64})$/;

/**
 * Understand the image of a `containers-storage:` reference: a name with or without tag, digest or `@id`, an id (`sha256:` in front of it or not), or the
 * beginning of one. A name without a registry is one on Docker Hub, or else a local one, as podman names what it builds.
 *
 * @throws {OciRefError} if it is none of these
 */
export function parseWanted(image: string): WantedImage {
  const whole = WHOLE_ID.exec(image)?.[1];
  if (whole !== undefined) return { names: [], id: whole };
  const at = image.lastIndexOf('@');
  const id = image.slice(at + 1);
  if (at >= 0 && HEX.test(id)) return { names: at === 0 ? [] : namesOf(parseRegistryName(image.slice(0, at))), id };
  const name = parseRegistryName(image);
  const wanted = { names: namesOf(name), ...(name.digest !== undefined && { digest: name.digest }) };
  return at < 0 && id.length >= SHORTEST_ID && HEX.test(id) ? { names: [], id, otherwise: wanted } : wanted;
}

/** With a digest the tag does not matter. */
function namesOf(name: RegistryName): readonly string[] {
  const { tag = 'latest', digest, ...place } = name;
  const text = formatRegistryName(digest === undefined ? { ...place, tag } : place);
  const hub = `${dockerHub.hostname}/`;
  if (registryOf(name) !== dockerHub.hostname) return [text];
  const local = text.slice(hub.length).replace(/^library\//, '');
  return [text, `localhost/${local}`];
}

/** The image that is wanted; undefined if there is none, or if the beginning of an id fits several. */
export function findImage(images: readonly ImageRecord[], wanted: WantedImage): ImageRecord | undefined {
  const found = wanted.names.length === 0 ? byId(images, wanted.id ?? '') : byName(images, wanted);
  return found ?? (wanted.otherwise && findImage(images, wanted.otherwise));
}

function byId(images: readonly ImageRecord[], id: string): ImageRecord | undefined {
  const found = images.filter((image) => image.id.startsWith(id));
  return found.length === 1 ? found[0] : undefined;
}

function byName(images: readonly ImageRecord[], { names, id = '', digest }: WantedImage): ImageRecord | undefined {
  for (const name of names) {
    const found = images.find((image) => image.id.startsWith(id) && hasDigest(image, digest) && hasName(image, name, digest));
    if (found !== undefined) return found;
  }
  return undefined;
}

function hasDigest(image: ImageRecord, digest: string | undefined): boolean {
  return digest === undefined || image.digest === digest || image.bigDataNames.some((name) => digestOfManifest(name) === digest);
}

/** An image that was pulled by digest has the name with that digest; one that was pulled by tag is the same under any tag. */
function hasName(image: ImageRecord, name: string, digest: string | undefined): boolean {
  if (digest === undefined) return image.names.includes(name);
  return image.names.some((one) => one === `${name}@${digest}` || (one.startsWith(`${name}:`) && !one.includes('/', name.length)));
}
