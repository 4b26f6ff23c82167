import type { DecodeLimits } from '@cfskit/compression';
import type { XattrMode } from '@cfskit/fs-tree';
import type { ObjectId } from '@cfskit/fs-verity';
import type { ImageSource, Manifest, Platform, ResolvedManifest } from '@cfskit/oci-spec';
import type { Reporter } from '@cfskit/progress';
import type { ErofsFormat, Repository } from '@cfskit/repository';
import { OciImportError } from './errors.ts';
import type { LayerContext, OciImportErrorCode } from './errors.ts';
import type { Threads } from './run-layer.ts';

/** How an image is imported. Everything is optional. */
export interface ImportImageOptions {
  /** which image of the source, where it has several: its tag there */
  readonly tag?: string;
  /** which platform of the image; the machine's own if not said */
  readonly platform?: Platform;
  /** the tag that the image gets in the repository; without one the next collection removes it */
  readonly name?: string;
  /** digest the manifest must have */
  readonly expectManifest?: string;
  /** `false`: the EROFS image is not built. If one is linked already, it stays so */
  readonly image?: boolean;
  /** formats of the EROFS images, in place of those that the repository makes; the first is the one that counts */
  readonly erofsFormats?: readonly ErofsFormat[];
  /** extended attributes in the EROFS images; `allowlist-only` for those that are built, if not said */
  readonly xattrs?: XattrMode;
  /** id that the EROFS image must have */
  readonly expectImage?: ObjectId;
  /** layers at once; by default as many as there are CPUs, and at most 4 */
  readonly jobs?: number;
  /** bounds on what a layer may decompress to */
  readonly limits?: DecodeLimits;
  /**
   * how contents are stored that the source has as files: copied, if not said; with `share` they share blocks or become hard links, and are copied with
   * a warning if that cannot be done, `share-only` fails then. For other sources it changes nothing
   */
  readonly files?: 'copy' | 'share' | 'share-only';
  /** where layers are worked on: `auto` starts threads for all but small ones */
  readonly threads?: Threads;
  readonly reporter?: Reporter;
  readonly signal?: AbortSignal;
  /** told, in a sentence, of what the user should know although the import went well */
  readonly onWarning?: (text: string) => void;
}

/** One import under way: what all of its steps need. */
export interface ImageJob {
  readonly repository: Repository;
  readonly source: ImageSource;
  readonly options: ImportImageOptions;
  readonly reporter: Reporter;
  readonly resolved: ResolvedManifest;
  readonly manifest: Manifest;
  readonly manifestRaw: Uint8Array;
  readonly manifestDigest: string;
}

/** What the failure of a step says about the import. */
type Place = Pick<ImageJob, 'source' | 'manifestDigest' | 'options'>;

/**
 * Runs one step of an import and adds to its failure what the step was about, which image and which blob.
 * An abort stays what it is.
 */
export async function inStep<T>(job: Place, code: OciImportErrorCode, what: string, blob: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    job.options.signal?.throwIfAborted();
    throw new OciImportError(code, `${what} of ${describeImage(job)}`, { ...placeOf(job), blob }, { cause });
  }
}

/** The failure of one layer: what it is, which image it belongs to and, as the cause, what happened. */
export function layerFailure(job: Place, layer: LayerContext, cause: unknown): OciImportError {
  const which = `${layer.index + 1} of ${layer.count}, diff_id ${layer.diffId}, ${layer.mediaType}`;
  const message = `Failed to import layer ${layer.digest} (${which}) of ${describeImage(job)}`;
  return new OciImportError('LAYER_FAILED', message, { ...placeOf(job), layer, blob: layer.digest }, { cause });
}

/** The image in a message: its digest and where it comes from. */
export function describeImage({ source, manifestDigest }: Place): string {
  return `manifest ${manifestDigest} from ${source.describe()}`;
}

/** The image in the context of an error. */
export function placeOf({ source, manifestDigest }: Place): { readonly source: string; readonly manifest: string } {
  return { source: source.describe(), manifest: manifestDigest };
}
