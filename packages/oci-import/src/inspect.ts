import type { ObjectId } from '@cfskit/fs-verity';
import { effectiveFormats } from '@cfskit/repository';
import type { Repository } from '@cfskit/repository';
import { OciImportError } from './errors.ts';
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
  /** image in the format that the repository produces, if one is linked */
  readonly composefsErofs: ObjectId | undefined;
  readonly composefsBootErofs: ObjectId | undefined;
}

/**
 * Collects what is stored about one image.
 *
 * @throws {OciImportError} as `openImage`; INTEGRITY for a document that is not UTF-8
 */
export async function inspectImage(repository: Repository, reference: string): Promise<ImageInspection> {
  const resolved = resolveStoredReference(repository, reference);
  const image = await openImage(repository, reference);
  const suffix = effectiveFormats(repository.metadata).default === 2 ? '' : '.v1';
  return {
    resolved,
    manifestDigest: image.manifestDigest,
    configDigest: image.configDigest,
    manifest: utf8(image.manifestRaw, 'manifest', image.manifestDigest),
    config: utf8(image.configRaw, 'config', image.configDigest),
    referrers: listReferrers(repository, image.manifestDigest),
    composefsErofs: image.configRefs.get(`composefs.image${suffix}`),
    composefsBootErofs: image.configRefs.get(`composefs.image.boot${suffix}`),
  };
}

function utf8(bytes: Uint8Array, what: string, digest: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new OciImportError('INTEGRITY', `the stored ${what} ${digest} is not UTF-8`, { blob: digest }, { cause });
  }
}
