import { isDigest } from '@cfskit/oci-spec';

const KNOWN = /^sha(?:256|384|512):/;

/** Whether this is a digest of an algorithm we know. (By the grammar alone `myimage:latest` is a digest as well.) */
export function isKnownDigest(text: string): boolean {
  return KNOWN.test(text) && isDigest(text);
}
