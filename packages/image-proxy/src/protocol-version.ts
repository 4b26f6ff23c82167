import { ImageProxyError } from './errors.ts';
import { oneLine } from './foreign-text.ts';

/** What a version of the protocol has. */
export interface ProtocolFeatures {
  /** As the proxy said it. */
  readonly version: string;
  /** Whether opening can tell an image that is not there from other failures (0.2.4). */
  readonly optionalOpen: boolean;
  /** How layers are listed as the source has them: not at all, in the reply (0.2.5), or through a pipe (0.2.7). */
  readonly layerInfo: 'none' | 'inline' | 'piped';
  /** Whether the signature policy is looked at (0.2.6). */
  readonly enforcesPolicy: boolean;
  /** Whether blobs come with a pipe for errors and without a verdict of the proxy (0.2.8). */
  readonly rawBlobs: boolean;
}

const OLDEST = 3;
const WANTED = '0.2.3 or a later 0.2 (skopeo 1.6 and newer)';

/**
 * Read the version that `Initialize` gave.
 *
 * @throws {ImageProxyError} UNSUPPORTED_VERSION if it is older than 0.2.3 or not of the 0.2 series; PROTOCOL if it is no version
 */
export function protocolFeatures(value: unknown): ProtocolFeatures {
  const match = typeof value === 'string' ? /^(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:[-+].*)?$/.exec(value) : null;
  if (match === null)
    throw new ImageProxyError(
      'PROTOCOL',
      `wanted the version of skopeo's image proxy, found ${oneLine(JSON.stringify(value) ?? 'nothing')}`,
    );
  const version = oneLine(match[0]);
  const patch = Number(match[3]);
  if (match[1] !== '0' || match[2] !== '2' || patch < OLDEST) {
    throw new ImageProxyError('UNSUPPORTED_VERSION', `skopeo's image proxy speaks protocol ${version}, wanted ${WANTED}`);
  }
  return {
    version,
    optionalOpen: patch >= 4,
    layerInfo: patch >= 7 ? 'piped' : patch >= 5 ? 'inline' : 'none',
    enforcesPolicy: patch >= 6,
    rawBlobs: patch >= 8,
  };
}
