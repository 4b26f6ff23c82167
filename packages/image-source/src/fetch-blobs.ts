import { forEachLimited, type Descriptor } from '@cfskit/oci-spec';
import type { Reporter } from '@cfskit/progress';
import type { BlobSink } from './blob-sink.ts';
import { fetchFromPlaces, type BlobOrigin } from './fetch-blob.ts';

import type { BlobPlace } from './rooted-source.ts';

/** Blobs, where they may be, and where they go. */
export interface FetchBlobsTask {
  readonly sink: Pick<BlobSink, 'hasBlob' | 'fetchBlob'>;
  /** Each digest once; begun in this order. */
  readonly blobs: readonly Descriptor[];
  readonly places: readonly BlobPlace[];
  readonly jobs: number;
  readonly reporter: Reporter;
  readonly onWarning: ((text: string) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What fetching came to. */
export interface FetchedBlobs {
  readonly blobsPresent: number;
  /** Bytes that came now. */
  readonly bytesFetched: number;
  /** Bytes that were there, in whole blobs and in parts of an interrupted fetch. */
  readonly bytesPresent: number;
  /** By digest. */
  readonly origins: ReadonlyMap<string, BlobOrigin>;
}

/** Fetch what is not there yet, a few blobs at a time. Tells a plan before the first byte, and of each blob under its digest. */
export async function fetchBlobs(task: FetchBlobsTask): Promise<FetchedBlobs> {
  const { sink, blobs, places, jobs, reporter, onWarning, signal } = task;
  const present = await presentBlobs(task);
  const origins = new Map<string, BlobOrigin>([...present].map(({ digest }) => [digest, 'present']));
  let bytesPresent = sum([...present]);
  let bytesFetched = 0;
  reporter.report({ type: 'plan', components: blobs.length, bytesTotal: sum(blobs), bytesPresent });
  for (const { digest } of present) reporter.report({ type: 'skipped', id: digest });
  const missing = blobs.filter((blob) => !present.has(blob));
  await forEachLimited(missing, jobs, signal, async (descriptor, blobSignal) => {
    const { digest: id, size: total } = descriptor;
    reporter.report({ type: 'started', id, total, unit: 'bytes' });
    const onProgress = (fetched: number): void => reporter.report({ type: 'progress', id, fetched, total });
    const into = sink.fetchBlob.bind(sink, descriptor);
    const { fetched, resumed, origin } = await fetchFromPlaces(places, descriptor, into, { signal: blobSignal, onProgress, onWarning });
    reporter.report({ type: 'done', id, transferred: fetched });
    origins.set(id, origin);
    bytesFetched += fetched;
    bytesPresent += resumed;
  });
  return { blobsPresent: present.size, bytesFetched, bytesPresent, origins };
}

async function presentBlobs({ sink, blobs, jobs, signal }: FetchBlobsTask): Promise<ReadonlySet<Descriptor>> {
  const present = new Set<Descriptor>();
  await forEachLimited(blobs, jobs, signal, async (descriptor, blobSignal) => {
    if (await sink.hasBlob(descriptor, blobSignal)) present.add(descriptor);
  });
  return present;
}

function sum(blobs: readonly Descriptor[]): number {
  return blobs.reduce((total, { size }) => total + size, 0);
}
