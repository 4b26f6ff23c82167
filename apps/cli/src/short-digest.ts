const SHOWN = 12;

/** The first 12 hex digits of an object id or of the value of a digest, as tables show them. */
export function shortHex(digest: string, whole: boolean): string {
  const hex = digest.slice(digest.indexOf(':') + 1);
  return whole ? hex : hex.slice(0, SHOWN);
}
