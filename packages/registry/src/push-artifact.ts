import { digestOf, mediaTypes, type Descriptor } from '@cfskit/oci-spec';
import type { RegistryName } from '@cfskit/oci-ref';
import type { Reporter } from '@cfskit/progress';
import type { Endpoint } from './endpoint.ts';
import { pushManifest } from './push-manifest.ts';
import type { Session } from './session.ts';
import { pushBlob } from './upload.ts';
import type { BlobContent } from './upload-source.ts';

/** One file of an artifact. */
export interface ArtifactBlob {
  readonly mediaType: string;
  readonly content: Uint8Array | { readonly digest: string; readonly size: number; readonly open: () => AsyncIterable<Uint8Array> };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What an artifact is made of. */
export interface Artifact {
  /** What kind of artifact it is, such as `application/vnd.example.sbom.v1+json`. */
  readonly artifactType: string;
  /** None: the empty blob stands for them, as the image specification wants it. */
  readonly layers?: readonly ArtifactBlob[];
  /** The empty blob if not said. */
  readonly config?: ArtifactBlob;
  /** What it is about: an image that is in the same repository, or will be. */
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** How an artifact is pushed. */
export interface PushArtifactOptions {
  readonly reporter?: Reporter;
  readonly signal?: AbortSignal;
}

const EMPTY: ArtifactBlob = { mediaType: mediaTypes.empty, content: new TextEncoder().encode('{}') };

/** Push the blobs of an artifact and a manifest over them. */
export async function pushArtifact(
  session: Session,
  endpoint: Endpoint,
  name: Pick<RegistryName, 'tag' | 'digest'>,
  artifact: Artifact,
  options: PushArtifactOptions,
): Promise<Descriptor> {
  const push = async (blob: ArtifactBlob): Promise<Descriptor> => {
    const { descriptor, content } = describe(blob);
    await pushBlob(session, endpoint, descriptor, content, options);
    return descriptor;
  };
  const config = await push(artifact.config ?? EMPTY);
  const layers: Descriptor[] = [];
  for (const layer of artifact.layers ?? [EMPTY]) layers.push(await push(layer));
  const { artifactType, subject, annotations } = artifact;
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType,
    config,
    layers,
    ...(subject !== undefined && { subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size } }),
    ...(annotations !== undefined && { annotations }),
  };
  const raw = new TextEncoder().encode(JSON.stringify(manifest));
  return await pushManifest(session, endpoint, name, raw, options.signal === undefined ? {} : { signal: options.signal });
}

function describe({ mediaType, content, annotations }: ArtifactBlob): { readonly descriptor: Descriptor; readonly content: BlobContent } {
  const more = annotations === undefined ? {} : { annotations };
  if (content instanceof Uint8Array) {
    return { descriptor: { mediaType, digest: digestOf(content), size: content.byteLength, ...more }, content };
  }
  const { digest, size, open } = content;
  return { descriptor: { mediaType, digest, size, ...more }, content: open };
}
