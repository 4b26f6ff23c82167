const MAX_LISTED = 10;

/** Names for a message, ten at most. */
export function listNames(names: readonly string[]): string {
  if (names.length === 0) return '(no tags)';
  const shown = names.slice(0, MAX_LISTED).join(', ');
  return names.length > MAX_LISTED ? `${shown}, ...` : shown;
}
