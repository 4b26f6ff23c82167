import { fileChunks } from '@cfskit/linux';
import { BlobVerifier } from '@cfskit/oci-spec';
import type { LayerFile, LayerPiece } from '@cfskit/oci-spec';
import { createStreamWriter, storeStream } from '@cfskit/repository';
import type { ImportedFile, ImportMethod, LocalObjectStore } from '@cfskit/repository';
import { CONTENT_TYPE } from '@cfskit/splitstream';
import { TarSplitter } from '@cfskit/tar-split';
import { fstatSync, statSync } from 'node:fs';
import { Breather } from './breather.ts';
import { PieceSink } from './piece-sink.ts';
import type { StoredLayer } from './store-layer.ts';

/** What a layer in pieces must turn out to be. */
export interface PiecesJob {
  /** Its diff_id and size. */
  readonly expected: { readonly digest: string; readonly size: number };
  /** Whether programs with special rights, which are never hard linked, are copied. */
  readonly copyPrivileged: boolean;
  readonly signal?: AbortSignal;
}

const CHUNK_SIZE = 1024 * 1024;

/**
 * Stores a layer whose files are files of their own, by sharing their blocks or by hard links. What is hashed for the diff_id is what has been stored, so
 * a file that changes meanwhile is found out. The splitstream is the same as that of {@link storeLayer}.
 *
 * @throws {VerifyError} it is not the layer that was expected {TarSplitError} {RepositoryError} ZERO_COPY_IMPOSSIBLE and others; whatever `pieces` throws
 */
export async function storePieces(pieces: AsyncIterable<LayerPiece>, job: PiecesJob, objects: LocalObjectStore): Promise<StoredLayer> {
  const writer = createStreamWriter(objects, CONTENT_TYPE.layer);
  const sink = new PieceSink(objects, writer);
  try {
    const end = await splitPieces(pieces, sink, job, objects);
    const { id } = await storeStream(objects, writer);
    return { id, stats: sink.stats, ...end };
  } finally {
    sink.abort();
    writer.close();
  }
}

async function splitPieces(
  pieces: AsyncIterable<LayerPiece>,
  sink: PieceSink,
  job: PiecesJob,
  objects: LocalObjectStore,
): Promise<Pick<StoredLayer, 'size' | 'unlistable'>> {
  const { expected, signal } = job;
  let unlistable: string | undefined;
  const splitter = new TarSplitter(sink, { onUnlistable: (problem) => (unlistable ??= problem.message) });
  const verifier = new BlobVerifier(expected);
  const share = sharer(objects, job);
  const breather = new Breather();
  for await (const piece of pieces) {
    await breather.breathe();
    signal?.throwIfAborted();
    for await (const chunk of piece instanceof Uint8Array ? [piece] : chunksOf(piece, sink, objects, share)) {
      verifier.update(chunk);
      splitter.push(chunk);
    }
  }
  verifier.finish();
  const { size } = splitter.finish();
  return { size, ...(unlistable !== undefined && { unlistable }) };
}

type Share = (file: LayerFile) => Promise<ImportedFile>;

/** The bytes of a file that is the content of an entry are those of the object that it has become. */
async function* chunksOf(file: LayerFile, sink: PieceSink, objects: LocalObjectStore, share: Share): AsyncGenerator<Uint8Array, void> {
  if (!sink.awaits(file.size)) {
    yield* fileChunks(file.fd, file.size, CHUNK_SIZE); // the digest will tell, if it ends before
    return;
  }
  const shared = await share(file);
  sink.give(shared);
  yield* objects.open(shared.id);
}

/** A hard link needs one file system; two that differ by name may still share blocks. */
function sharer(objects: LocalObjectStore, { copyPrivileged, signal }: PiecesJob): Share {
  const device = statSync(objects.prepareDirectory()).dev;
  return ({ fd, size }) => {
    const methods: ImportMethod[] = fstatSync(fd).dev === device ? ['reflink', 'hardlink'] : ['reflink'];
    return objects.putFile(`/proc/self/fd/${fd}`, { size, methods, copyPrivileged, ...(signal && { signal }) });
  };
}
