import { LOG_BLOCK_SIZE } from '@cfskit/fs-verity';
import type { Algorithm } from '@cfskit/fs-verity';

/**
 * What a digest covers.
 *
 * - `config`, `manifest`: the stored JSON
 * - `merged`: the EROFS image of all layers
 * - `merged.bootable`, `layer`: images for booting, and of single layers, which nothing here computes
 */
export type SealRole = 'config' | 'manifest' | 'merged' | 'merged.bootable' | 'layer';

/** What the name of an annotation says about its value. */
export interface SealKey {
  readonly role: SealRole;
  /** Of images: the format, by its number. */
  readonly format?: number;
  readonly algorithm: Algorithm;
  readonly logBlockSize: number;
  /** The value is a signature of the digest. */
  readonly signature: boolean;
}

/** Every annotation of this design begins so. Spec: oci-import 17. */
export const SEAL_PREFIX = 'composefs.';

const KEY =
  /^composefs\.(?:(config|manifest)|(layer|merged|merged\.bootable)\.erofs\.v(\d{1,3}))\.fsverity-(sha256|sha512)-(\d{1,2})(\.sig)?$/;

/** The name of the annotation that holds a digest of what this program computes. */
export function formatSealKey(role: 'config' | 'manifest', algorithm: Algorithm): string;
export function formatSealKey(role: 'merged', algorithm: Algorithm, format: number): string;
export function formatSealKey(role: SealRole, algorithm: Algorithm, format?: number): string {
  const kind = format === undefined ? role : `${role}.erofs.v${format}`;
  return `${SEAL_PREFIX}${kind}.fsverity-${algorithm}-${LOG_BLOCK_SIZE}`;
}

/** What a name says; undefined for one that this design does not have. */
export function parseSealKey(text: string): SealKey | undefined {
  const match = KEY.exec(text);
  if (match === null) return undefined;
  const [, document, imageRole, format, algorithm, logBlockSize, signature] = match;
  return {
    role: (document ?? imageRole) as SealRole,
    ...(format !== undefined && { format: Number(format) }),
    algorithm: algorithm as Algorithm,
    logBlockSize: Number(logBlockSize),
    signature: signature !== undefined,
  };
}
