import { isShortPrefix } from '@cfskit/oci-ref';

/** A digest or id may be cut to this many hex digits. */
export const MIN_PREFIX = 12;

/** What to say behind "not found" about a text that looks like the beginning of a digest and is too short to be taken for one; else nothing. */
export function tooShortHint(text: string): string {
  return isShortPrefix(text) ? ` (the beginning of a digest needs at least ${MIN_PREFIX} hex digits)` : '';
}
