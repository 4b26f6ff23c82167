const LONGEST = 200;

/** Text from outside as it may stand in a message: one line, no control characters, not a page long. */
export function oneLine(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim();
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST)}…`;
}

/** A URL as it may stand in a message: signed links carry their secret in the query, and others carry a password in front. */
export function publicUrl(url: URL): string {
  return oneLine(`${url.protocol}//${url.host}${url.pathname}`);
}

/** Where a link leads to, as it may stand in a message: all but the host may be a secret. */
export function publicOrigin(url: string): string {
  return URL.canParse(url) ? oneLine(new URL(url).origin) : 'an address that cannot be read';
}
