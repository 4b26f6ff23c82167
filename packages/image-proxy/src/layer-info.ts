import { isDigest } from '@cfskit/oci-spec';
import { ImageProxyError } from './errors.ts';

/** A layer as the source has it. */
export interface LayerInfo {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
}

/** @throws {ImageProxyError} PROTOCOL */
export function parseLayerInfo(value: unknown): readonly LayerInfo[] {
  if (!Array.isArray(value)) throw notAList(value);
  return value.map((item: unknown) => {
    if (typeof item !== 'object' || item === null) throw notAList(item);
    const { digest, size, media_type: mediaType } = item as Record<string, unknown>;
    if (typeof digest !== 'string' || !isDigest(digest) || typeof mediaType !== 'string') throw notAList(item);
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw notAList(item);
    return { digest, size, mediaType };
  });
}

function notAList(found: unknown): ImageProxyError {
  return new ImageProxyError(
    'PROTOCOL',
    `wanted a list of layers with digest, size and media_type, found ${(JSON.stringify(found) ?? '').slice(0, 200)}`,
  );
}
