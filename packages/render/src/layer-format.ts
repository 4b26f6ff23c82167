import { layerFormat } from '@cfskit/oci-spec';
import { RenderError } from './errors.ts';

/** How a layer can be packed. The last two go through programs of the system. */
export type LayerPacking = 'none' | 'gzip' | 'zstd' | 'bzip2' | 'xz';

const SUFFIXES: readonly (readonly [suffix: string, packing: LayerPacking])[] = [
  ['+gzip', 'gzip'],
  ['+zstd', 'zstd'],
  ['+bzip2', 'bzip2'],
  ['+xz', 'xz'],
  ['+lzma', 'xz'],
];

/**
 * How to unpack a layer, from its media type.
 *
 * @throws {RenderError} UNSUPPORTED_MEDIA_TYPE
 */
export function layerPacking(mediaType: string): LayerPacking {
  const known = layerFormat(mediaType);
  if (known.kind === 'tar') return known.compression;
  const packing = known.kind === 'encrypted' ? undefined : SUFFIXES.find(([suffix]) => mediaType.endsWith(suffix))?.[1];
  if (packing === undefined) throw new RenderError('UNSUPPORTED_MEDIA_TYPE', `unsupported layer media type: ${mediaType}`);
  return packing;
}

const MAGIC: readonly (readonly [packing: LayerPacking, bytes: readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58]],
];

const TAR = 'application/vnd.oci.image.layer.v1.tar';

/** A media type for a layer that has none, from the first bytes of its file; those of a plain tar where they say nothing. */
export function sniffMediaType(head: Uint8Array): string {
  const [packing] = MAGIC.find(([, bytes]) => bytes.every((byte, i) => head[i] === byte)) ?? [];
  return packing === undefined ? TAR : `${TAR}+${packing}`;
}
