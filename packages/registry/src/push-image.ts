import { forEachLimited, layerFormat, readBlob, type Descriptor, type ImageSource } from '@cfskit/oci-spec';
import type { RegistryName } from '@cfskit/oci-ref';
import { nullReporter, type Reporter } from '@cfskit/progress';
import type { Endpoint } from './endpoint.ts';
import { RegistryError } from './errors.ts';

import { decideMediaType, toFetched, type FetchedManifest } from './manifest.ts';
import { pushManifest } from './push-manifest.ts';
import type { Session } from './session.ts';
import { pushBlob, type BlobOutcome } from './upload.ts';

/** How an image is pushed. */
export interface PushImageOptions {
  /** Blobs sent at the same time; 3 if not said. */
  readonly jobs?: number;
  /** Repositories of the same registry that may have some of the blobs. */
  readonly mountFrom?: readonly string[];
  /** As for a single blob. */
  readonly chunkSize?: number;
  /** Told of a `plan`, and of each blob under its digest. */
  readonly reporter?: Reporter;
  readonly signal?: AbortSignal;
}

/** What pushing an image came to. */
export interface PushedImage {
  /** Of the manifest or index that the name now stands for. */
  readonly descriptor: Descriptor;
  readonly blobsPushed: number;
  readonly blobsMounted: number;
  readonly blobsPresent: number;
  /** Bytes of the blobs that were sent. */
  readonly bytesPushed: number;
}

/** A manifest or index whose bytes are at hand, as `resolve` of a source gives it. */
export interface ImageRoot {
  readonly descriptor: Descriptor;
  readonly raw: Uint8Array;
}

const MAX_NESTING = 4;

/**
 * Push an image or an index with everything below it from a source: blobs first, then the manifests of an index, then what the name
 * stands for, so that nothing in the registry ever names something that is not there. Bytes are never changed. Foreign layers stay where they are.
 */
export async function pushImage(
  session: Session,
  endpoint: Endpoint,
  name: Pick<RegistryName, 'tag' | 'digest'>,
  source: Pick<ImageSource, 'open'>,
  root: ImageRoot,
  options: PushImageOptions,
): Promise<PushedImage> {
  const { reporter = nullReporter, jobs = 3, signal } = options;
  const tree = await readTree(source, root, endpoint, signal);
  const blobs = [...tree.blobs.values()];
  const bytesTotal = blobs.reduce((sum, { size }) => sum + size, 0);
  reporter.report({ type: 'plan', components: blobs.length, bytesTotal, bytesPresent: 0 });
  const outcomes: { readonly outcome: BlobOutcome; readonly size: number }[] = [];
  await forEachLimited(blobs, jobs, signal, async (descriptor, blobSignal) => {
    const open = (): AsyncIterable<Uint8Array> => source.open(descriptor, { signal: blobSignal });
    const outcome = await pushBlob(session, endpoint, descriptor, open, { ...options, signal: blobSignal });
    outcomes.push({ outcome, size: descriptor.size });
  });
  for (const { descriptor, raw } of tree.children.values()) {
    await pushManifest(session, endpoint, { digest: descriptor.digest }, raw, { mediaType: descriptor.mediaType, ...signalOf(signal) });
  }
  const { mediaType, digest } = root.descriptor;
  await pushManifest(session, endpoint, { digest, ...name }, root.raw, { mediaType, ...signalOf(signal) });
  return { descriptor: root.descriptor, ...countOutcomes(outcomes) };
}

function countOutcomes(outcomes: readonly { readonly outcome: BlobOutcome; readonly size: number }[]): Omit<PushedImage, 'descriptor'> {
  const of = (wanted: BlobOutcome): typeof outcomes => outcomes.filter(({ outcome }) => outcome === wanted);
  return {
    blobsPushed: of('pushed').length,
    blobsMounted: of('mounted').length,
    blobsPresent: of('present').length,
    bytesPushed: of('pushed').reduce((sum, { size }) => sum + size, 0),
  };
}

/** Everything below a manifest or index, each once. */
interface Tree {
  readonly blobs: Map<string, Descriptor>;
  /** Below the root, those that others name first. */
  readonly children: Map<string, FetchedManifest>;
}

async function readTree(
  source: Pick<ImageSource, 'open'>,
  root: ImageRoot,
  endpoint: Endpoint,
  signal: AbortSignal | undefined,
): Promise<Tree> {
  const tree: Tree = { blobs: new Map(), children: new Map() };
  const visit = async ({ descriptor, raw }: ImageRoot, nesting: number): Promise<FetchedManifest> => {
    const { host: registry, repository } = endpoint;
    const place = { registry, repository, url: descriptor.digest };
    const fetched = toFetched(raw, descriptor.digest, decideMediaType(descriptor.mediaType, raw, place));
    if (fetched.kind === 'manifest') {
      for (const blob of blobsOf(fetched)) tree.blobs.set(blob.digest, blob);
      return fetched;
    }
    if (nesting > MAX_NESTING)
      throw new RegistryError('UNSUPPORTED_MANIFEST', `indexes nested below level ${MAX_NESTING}: ${descriptor.digest}`, place);
    for (const entry of fetched.index.manifests) {
      if (tree.children.has(entry.digest)) continue;
      const child = await visit({ descriptor: entry, raw: await readBlob(source, entry, signalOf(signal)) }, nesting + 1);
      tree.children.set(entry.digest, child);
    }
    return fetched;
  };
  await visit(root, 0);
  return tree;
}

function blobsOf({ manifest }: Extract<FetchedManifest, { readonly kind: 'manifest' }>): readonly Descriptor[] {
  return [manifest.config, ...manifest.layers.filter((layer) => !isForeign(layer))];
}

function isForeign({ mediaType, urls }: Descriptor): boolean {
  const format = layerFormat(mediaType);
  return format.kind === 'tar' && format.foreign && urls !== undefined && urls.length > 0;
}

function signalOf(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
