/** A digest or id may be cut to this many hex digits. */
export const MIN_PREFIX = 12;

/** Hex digits that somebody may have cut from a digest: four, for fewer are rather a tag. */
const TOO_SHORT = /^@?(?:sha\d+:)?[0-9a-f]{4,11}$/i;

/** What to say behind "not found" about a text that looks like the beginning of a digest and is too short to be taken for one; else nothing. */
export function tooShortHint(text: string): string {
  return TOO_SHORT.test(text) ? ` (the beginning of a digest needs at least ${MIN_PREFIX} hex digits)` : '';
}
