import {
  digestAlgorithm,
  digestOf,
  isDigest,
  isIndex,
  isManifest,
  MAX_JSON_SIZE,
  mediaTypes,
  OciSpecError,
  parseIndex,
  parseJson,
  parseManifest,
  VerifyError,
  type Descriptor,
  type HashAlgorithm,
  type Index,
  type Manifest,
  type Parsed,
} from '@cfskit/oci-spec';
import { isWebPage, mediaTypeOf, readBody } from './body.ts';
import type { Endpoint } from './endpoint.ts';
import { RegistryError, type RegistryErrorPlace } from './errors.ts';
import { oneLine, publicUrl } from './foreign-text.ts';
import type { HttpResponse } from './http.ts';
import { repositoryScope } from './scope.ts';
import type { Answer } from './redirect.ts';
import type { Session } from './session.ts';

interface Fetched {
  /** Media type, digest and size of `raw`. */
  readonly descriptor: Descriptor;
  /** As the registry sent it, byte for byte. */
  readonly raw: Uint8Array;
}

/** A manifest or an index, checked: its bytes have the digest, its type is what header, body and shape say. */
export type FetchedManifest =
  | (Fetched & { readonly kind: 'manifest'; readonly manifest: Parsed<Manifest> })
  | (Fetched & { readonly kind: 'index'; readonly index: Parsed<Index> });

const ACCEPT = [mediaTypes.index, mediaTypes.manifest, mediaTypes.dockerManifestList, mediaTypes.dockerManifest].join(', ');

/** Types that say nothing about what is inside. */
const GENERIC: ReadonlySet<string> = new Set(['', 'application/json', 'application/octet-stream', 'binary/octet-stream', 'text/plain']);

const SCHEMA_1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/;

/** Which manifest is asked for, and of whom. */
export interface ManifestRequest {
  readonly endpoint: Endpoint;
  /** Tag or digest. */
  readonly reference: string;
  readonly signal?: AbortSignal;
}

/**
 * `GET /v2/<name>/manifests/<reference>`: at most 4 MiB, the digest computed and compared with the one asked for and with the header.
 *
 * @throws {RegistryError} {VerifyError} {OciSpecError}
 */
export async function fetchManifest(session: Session, request: ManifestRequest): Promise<FetchedManifest> {
  const answer = await session.send(manifestCall('GET', request));
  const place = placeOf(answer, request);
  const raw = await readDocument(answer.response, place);
  const digest = checkDigest(raw, request.reference, answer.response.headers['docker-content-digest'], place);
  return toFetched(raw, digest, decideMediaType(mediaTypeOf(answer.response), raw, place));
}

/**
 * `HEAD` of a manifest: what the registry says its type, digest and size are. **Not checked**: only the bytes could prove it.
 *
 * @returns undefined if there is no such manifest
 */
export async function headManifest(session: Session, request: ManifestRequest): Promise<Descriptor | undefined> {
  const call = manifestCall('HEAD', request);
  const answer = await session.send({ ...call, expect: [200, 404] });
  const { response } = answer;
  response.discard();
  if (response.status === 404) return undefined;
  const digest = response.headers['docker-content-digest'] ?? (isDigest(request.reference) ? request.reference : '');
  const size = Number(response.headers['content-length'] ?? Number.NaN);
  const mediaType = mediaTypeOf(response);
  if (isDigest(digest) && Number.isSafeInteger(size) && (isManifest(mediaType) || isIndex(mediaType))) return { mediaType, digest, size };
  const message = `HEAD ${publicUrl(answer.url)}: wanted type, digest and size of a manifest, found ${oneLine(`${mediaType} ${digest}`)}`;
  throw new RegistryError('BAD_RESPONSE', message, placeOf(answer, request));
}

function manifestCall(method: 'GET' | 'HEAD', { endpoint, reference, signal }: ManifestRequest): Parameters<Session['send']>[0] {
  return {
    endpoint,
    method,
    target: `${endpoint.repository}/manifests/${reference}`,
    headers: { accept: ACCEPT, 'accept-encoding': 'identity' },
    scopes: [repositoryScope(endpoint.repository, 'pull')],
    expect: [200],
    notFound: 'MANIFEST_UNKNOWN',
    ...(isDigest(reference) && { digest: reference }),
    ...(signal !== undefined && { signal }),
  };
}

function placeOf({ url, response }: Answer, { endpoint }: ManifestRequest): RegistryErrorPlace {
  return { registry: endpoint.host, repository: endpoint.repository, url: publicUrl(url), status: response.status };
}

async function readDocument(response: HttpResponse, place: RegistryErrorPlace): Promise<Uint8Array> {
  if (isWebPage(response)) {
    response.discard();
    throw new RegistryError('NOT_A_REGISTRY', `wanted a manifest at ${place.url}, found a web page`, place);
  }
  const raw = await readBody(response, MAX_JSON_SIZE);
  if (raw !== undefined) return raw;
  throw new RegistryError('TOO_LARGE', `wanted a manifest of at most ${MAX_JSON_SIZE} bytes at ${place.url}, found more`, place);
}

/** The digest of the bytes, which must be the one asked for and the one announced. */
function checkDigest(raw: Uint8Array, reference: string, header: string | undefined, place: RegistryErrorPlace): string {
  if (isDigest(reference)) {
    const actual = digestOf(raw, digestAlgorithm(reference));
    if (actual !== reference) {
      const message = `digest mismatch: wanted ${reference}, found ${actual} at ${place.url}`;
      throw new VerifyError('DIGEST_MISMATCH', reference, reference, actual, message);
    }
  }
  const announced = header === undefined ? undefined : announcedDigest(raw, header, place);
  return isDigest(reference) ? reference : (announced ?? digestOf(raw));
}

function announcedDigest(raw: Uint8Array, header: string, place: RegistryErrorPlace): string | undefined {
  const algorithm = algorithmOf(header);
  if (algorithm === undefined && isDigest(header)) return undefined; // a hash we do not know proves nothing either way
  const actual = digestOf(raw, algorithm ?? 'sha256');
  if (actual === header) return actual;
  const message = `Docker-Content-Digest is ${oneLine(header)}, but the digest of what came is ${actual}, from ${place.url}`;
  throw new RegistryError('DIGEST_HEADER', message, { ...place, digest: actual });
}

function algorithmOf(digest: string): HashAlgorithm | undefined {
  try {
    return digestAlgorithm(digest);
  } catch (error) {
    if (error instanceof OciSpecError) return undefined;
    throw error;
  }
}

/** Parse a document whose type and digest are settled. */
export function toFetched(raw: Uint8Array, digest: string, mediaType: string): FetchedManifest {
  const descriptor = { mediaType, digest, size: raw.byteLength };
  if (isIndex(mediaType)) return { kind: 'index', descriptor, raw, index: parseIndex(raw) };
  return { kind: 'manifest', descriptor, raw, manifest: parseManifest(raw) };
}

/**
 * What a document is: by its header, without parameters; else by its `mediaType`; else by its members. Where two of them disagree, or it is
 * manifest and index at once, it is refused: two readers could see two different images (CVE-2021-41190).
 *
 * @throws {RegistryError} MEDIA_TYPE_MISMATCH, UNSUPPORTED_MANIFEST {OciSpecError} AMBIGUOUS_DOCUMENT, and for what is no JSON
 */
export function decideMediaType(header: string, raw: Uint8Array, place: RegistryErrorPlace): string {
  const document = parseJson(raw);
  const members: Readonly<Record<string, unknown>> = isObject(document) ? document : {};
  if (SCHEMA_1.test(header) || members['schemaVersion'] === 1) {
    throw new RegistryError('UNSUPPORTED_MANIFEST', `a Docker schema 1 manifest, which is no longer read: ${place.url}`, place);
  }
  const shape = shapeOf(members, place);
  const declared = typeof members['mediaType'] === 'string' && members['mediaType'] !== '' ? members['mediaType'] : undefined;
  const type = GENERIC.has(header) ? (declared ?? (shape === 'index' ? mediaTypes.index : mediaTypes.manifest)) : header;
  if (!isIndex(type) && !isManifest(type)) {
    throw new RegistryError('UNSUPPORTED_MANIFEST', `wanted an image manifest or index, found ${oneLine(type)}: ${place.url}`, place);
  }
  const declaredOtherwise = declared !== undefined && declared !== type;
  if (declaredOtherwise || isIndex(type) !== (shape === 'index')) {
    const found = declaredOtherwise ? oneLine(declared) : `the members of ${shape === 'index' ? 'an index' : 'a manifest'}`;
    throw new RegistryError('MEDIA_TYPE_MISMATCH', `announced as ${type}, but has ${found}: ${place.url}`, place);
  }
  return type;
}

function shapeOf(members: Readonly<Record<string, unknown>>, place: RegistryErrorPlace): 'manifest' | 'index' {
  const has = (name: string): boolean => Object.hasOwn(members, name);
  const [index, manifest] = [has('manifests'), has('layers') || has('config')];
  if ((index && manifest) || has('fsLayers')) {
    throw new OciSpecError('AMBIGUOUS_DOCUMENT', `wanted a manifest or an index, found members of both: ${place.url}`);
  }
  if (index || manifest) return index ? 'index' : 'manifest';
  throw new RegistryError('UNSUPPORTED_MANIFEST', `has neither layers nor manifests: ${place.url}`, place);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
