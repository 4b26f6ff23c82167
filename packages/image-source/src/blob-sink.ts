import type { Descriptor } from '@cfskit/oci-spec';
import type {
  DirImageWriter,
  FetchBlobOptions,
  FetchedBlob,
  OciArchiveWriter,
  OciLayoutWriter,
  OpenBlobAt,
  PutManifestOptions,
} from '@cfskit/ocidir';
import { signalOf } from './rooted-source.ts';

/** What takes the parts of an image, each checked while it is written. */
export interface BlobSink {
  /** Whether the blob is there, and is what its digest says. */
  hasBlob(descriptor: Descriptor, signal: AbortSignal | undefined): Promise<boolean>;
  fetchBlob(descriptor: Descriptor, openAt: OpenBlobAt, options: FetchBlobOptions): Promise<FetchedBlob>;
  putBlob(descriptor: Descriptor, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void>;
  putManifest(raw: Uint8Array, options: PutManifestOptions): Promise<Descriptor>;
  /** Everything is there: give it its name. */
  finish(): Promise<void>;
  /** Something failed. */
  abort(): Promise<void>;
}

/** A layout directory: what has come stays, and blobs go on where they were interrupted. */
export function layoutSink(writer: OciLayoutWriter): BlobSink {
  return {
    hasBlob: (descriptor, signal) => writer.hasBlob(descriptor, signalOf(signal)),
    fetchBlob: (descriptor, openAt, options) => writer.fetchBlob(descriptor, openAt, options),
    putBlob: (descriptor, bytes, signal) => writer.putBlob(descriptor, [bytes], signalOf(signal)),
    putManifest: (raw, options) => writer.putManifest(raw, options),
    finish: () => Promise.resolve(),
    abort: () => Promise.resolve(),
  };
}

/** An archive or a directory of skopeo: all or nothing. */
export function wholeSink(writer: OciArchiveWriter | DirImageWriter): BlobSink {
  return {
    hasBlob: (descriptor) => writer.hasBlob(descriptor),
    fetchBlob: (descriptor, openAt, options) => writer.fetchBlob(descriptor, openAt, options),
    putBlob: (descriptor, bytes, signal) => writer.putBlob(descriptor, [bytes], signalOf(signal)),
    putManifest: (raw, options) => writer.putManifest(raw, options),
    finish: () => writer.finish(),
    abort: () => writer.abort(),
  };
}
