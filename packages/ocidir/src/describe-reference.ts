/** A reference as it may stand in a message: in one line. */
export function describeReference(transport: string, path: string, name: string | undefined): string {
  const text = name === undefined ? `${transport}:${path}` : `${transport}:${path}:${name}`;
  return text.replaceAll(/\p{Cc}/gu, '?');
}
