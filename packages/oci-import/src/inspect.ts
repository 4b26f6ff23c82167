import type { ObjectId } from '@cfskit/fs-verity';
import { effectiveFormats } from '@cfskit/repository';
import type { ErofsFormat, Repository } from '@cfskit/repository';
import { OciImportError } from './errors.ts';
import { linkedBootImage, linkedImage } from './image-refs.ts';
import { listReferrers } from './referrers.ts';
import { openImage } from './stored-image.ts';
import { resolveStoredReference } from './stored-reference.ts';
import type { ResolvedReference } from './stored-reference.ts';

/** Everything `inspect` shows. */
export interface ImageInspection {
  /** what the name turned out to be */
  readonly resolved: ResolvedReference;
  readonly manifestDigest: string;
  readonly configDigest: string;
  /** the stored JSON, as text */
  readonly manifest: string;
  readonly config: string;
  /** digests of the artifacts that belong to the image */
  readonly referrers: readonly string[];
  /** EROFS image in the format that was asked for, if one is linked */
  readonly composefsErofs: ObjectId | undefined;
  readonly composefsBootErofs: ObjectId | undefined;
}

/** What is shown of an image. */
export interface InspectOptions {
  /** Format of the EROFS images; the repository's default unless told. */
  readonly format?: ErofsFormat;
}

/**
 * Collects what is stored about one image.
 *
 * @throws {OciImportError} as `openImage`; INTEGRITY for a document that is not UTF-8
 */
export async function inspectImage(repository: Repository, reference: string, options: InspectOptions = {}): Promise<ImageInspection> {
  const { format = effectiveFormats(repository.metadata).default } = options;
  const resolved = resolveStoredReference(repository, reference);
  const image = await openImage(repository, reference);
  return {
    resolved,
    manifestDigest: image.manifestDigest,
    configDigest: image.configDigest,
    manifest: utf8(image.manifestRaw, 'manifest', image.manifestDigest),
    config: utf8(image.configRaw, 'config', image.configDigest),
    referrers: listReferrers(repository, image.manifestDigest),
    composefsErofs: linkedImage(image.configRefs, format),
    composefsBootErofs: linkedBootImage(image.configRefs, format),
  };
}

function utf8(bytes: Uint8Array, what: string, digest: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new OciImportError('INTEGRITY', `the stored ${what} ${digest} is not UTF-8`, { blob: digest }, { cause });
  }
}
