import { chooseManifest } from '../choose-manifest.ts';
import type { Descriptor } from '../descriptor.ts';
import { parseIndex } from '../image-index.ts';
import type { ImageSource, OpenOptions, ResolvedManifest, ResolveOptions } from '../image-source.ts';
import type { Platform } from '../platform.ts';
import type { SourceContent } from './layout-builder.ts';

/** How the fake presents itself. */
export interface MemorySourceOptions {
  /** What `describe` says; `memory:` if not said. */
  readonly description?: string;
  /** The platform of "this machine"; linux/amd64 if not said. */
  readonly platform?: Platform;
  /** Bytes per chunk; 256 KiB if not said. */
  readonly chunkSize?: number;
}

/** A blob that is not in the fake was asked for. */
export class MissingBlobError extends Error {
  static {
    this.prototype.name = 'MissingBlobError';
  }
  readonly code: 'BLOB_NOT_FOUND';
  readonly digest: string;

  constructor(digest: string) {
    super(`no such blob: ${digest}`);
    this.code = 'BLOB_NOT_FOUND';
    this.digest = digest;
  }
}

/** An {@link ImageSource} over content in memory, for tests. Blobs are handed out as they are, right or wrong. */
export function memoryImageSource(content: SourceContent, options: MemorySourceOptions = {}): ImageSource {
  const { description = 'memory:', platform = { architecture: 'amd64', os: 'linux' }, chunkSize = 256 * 1024 } = options;
  const source = {
    describe: () => description,
    async resolve(wanted: ResolveOptions = {}): Promise<ResolvedManifest> {
      wanted.signal?.throwIfAborted();
      return await chooseManifest(parseIndex(content.index), source, { platform, ...wanted });
    },
    open: (descriptor: Descriptor, { signal }: OpenOptions = {}) => blobChunks(content, descriptor.digest, chunkSize, signal),
    close: () => Promise.resolve(),
  };
  return source;
}

async function* blobChunks(
  content: SourceContent,
  digest: string,
  chunkSize: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void> {
  signal?.throwIfAborted();
  const bytes = content.blobs.get(digest);
  if (bytes === undefined) throw new MissingBlobError(digest);
  for (let at = 0; at < bytes.byteLength; at += chunkSize) {
    yield await Promise.resolve(bytes.slice(at, at + chunkSize));
    signal?.throwIfAborted();
  }
}
