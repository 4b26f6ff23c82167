import type { Descriptor } from './descriptor.ts';
import { OciSpecError } from './errors.ts';
import { MAX_JSON_SIZE } from './json.ts';
import type { Platform } from './platform.ts';
import { verified } from './verify.ts';

/** Which image of a source is wanted. */
export interface ResolveOptions {
  /** Name within the source. Without one the source decides; an empty text is a name like any other. */
  readonly tag?: string;
  /** Without one: the platform of this machine, or of the source's choice where there is no machine to ask. */
  readonly platform?: Platform;
  readonly signal?: AbortSignal;
  /** Told, in a sentence, of what the user should know although the image was found. */
  readonly onWarning?: (text: string) => void;
}

/** The manifest that was chosen. */
export interface ResolvedManifest {
  /** Of the manifest; its media type is that of a manifest, never of an index. */
  readonly descriptor: Descriptor;
  /** The manifest's bytes. Size and digest have been checked against `descriptor`. */
  readonly raw: Uint8Array;
  /** Digest of the index that was asked for, where the manifest was chosen from one. */
  readonly indexDigest?: string;
  /** What the image runs on, where the index or the config said so. */
  readonly platform?: Platform;
}

/**
 * A place that images come from: a layout, a registry, an archive. An implementation supplies the least it can; everything that can be
 * derived from these methods is a function over this interface.
 *
 * `imageSourceChecks` of `@cfskit/oci-spec/testing` tests each sentence of this description.
 */
export interface ImageSource {
  /** Where images come from, for messages, in one line and without credentials: `oci:/path/to/layout`. */
  describe(): string;
  /**
   * Choose a manifest and read it. The bytes have been checked.
   * Rejects if there is no such tag or no manifest for the platform; the message then lists those there are.
   */
  resolve(options?: ResolveOptions): Promise<ResolvedManifest>;
  /**
   * The bytes of a blob as they are stored, **unverified**: {@link openVerified} and {@link readBlob} check them.
   * Nothing happens before the first chunk is asked for, and an early end of the loop releases everything. A blob that is not there
   * is an error of the first chunk. Chunks belong to the consumer, are never empty, and have 256 KiB or more where the medium can do so.
   * Several blobs may be open at once.
   */
  open(descriptor: Descriptor, options?: OpenOptions): AsyncIterable<Uint8Array>;
  /**
   * The layers of a resolved image in the form in which `open` has them, in the order of the manifest, one for each. For sources that keep layers
   * uncompressed: such a layer is a plain tar, named by its diff_id, whatever the manifest says of it. Sources without this method have
   * the manifest's.
   */
  storedLayers?(resolved: ResolvedManifest, options?: OpenOptions): Promise<readonly Descriptor[]>;
  /**
   * The bytes of a layer that `storedLayers` calls a plain tar, as `open` gives them, but with the contents of files as open files. For sources that have
   * them as files, so that whoever stores them can share their blocks instead of copying. **Unverified**, and a file may change while it is read.
   */
  openPieces?(descriptor: Descriptor, options?: OpenOptions): AsyncIterable<LayerPiece>;
  /** Release what the source holds. A second call does nothing. */
  close?(): Promise<void>;
}

/** The next bytes of a layer: in memory, or all bytes of a file. */
export type LayerPiece = Uint8Array | LayerFile;

/** A file whose bytes, from the first to the last, are the next ones of a layer. */
export interface LayerFile {
  /** Open for reading at its start, until the next piece is asked for. */
  readonly fd: number;
  /** Bytes that belong to the layer; the file had as many when it was opened. Never 0. */
  readonly size: number;
  /** For messages. */
  readonly path: string;
}

/** How a blob is opened. */
export interface OpenOptions {
  /** Ends the stream with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * The bytes of a blob, checked while they pass: size and digest, with the verdict at the end.
 *
 * @throws {VerifyError} SIZE_MISMATCH, DIGEST_MISMATCH, and whatever the source throws
 */
export function openVerified(
  source: Pick<ImageSource, 'open'>,
  descriptor: Descriptor,
  options: OpenOptions = {},
): AsyncIterable<Uint8Array> {
  return verified(source.open(descriptor, options), descriptor);
}

/** How a whole blob is read. */
export interface ReadBlobOptions extends OpenOptions {
  /** Largest blob to read, in bytes; 4 MiB if not said. */
  readonly limit?: number;
}

/**
 * A whole blob in memory, size and digest checked. For manifests, indexes and configs; layers are streamed.
 *
 * @throws {OciSpecError} TOO_LARGE before anything is read, if the descriptor announces more than `limit`
 * @throws {VerifyError} SIZE_MISMATCH, DIGEST_MISMATCH, and whatever the source throws
 */
export async function readBlob(
  source: Pick<ImageSource, 'open'>,
  descriptor: Descriptor,
  options: ReadBlobOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { limit = MAX_JSON_SIZE, ...openOptions } = options;
  const { digest, size } = descriptor;
  if (size > limit) throw new OciSpecError('TOO_LARGE', `wanted at most ${limit} bytes in ${digest}, found ${size}`, { digest });
  const bytes = new Uint8Array(size);
  let at = 0;
  for await (const chunk of openVerified(source, descriptor, openOptions)) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
