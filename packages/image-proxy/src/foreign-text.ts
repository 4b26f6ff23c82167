const LONGEST = 300;

/** Text from outside as it may stand in a message: one line, no control characters, not a page long. */
export function oneLine(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim();
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST)}…`;
}

/**
 * What skopeo complained of: its last line of level error or above, else its last line of all. Log lines are reduced to their message.
 *
 * @returns an empty text if it said nothing
 */
export function complaintOf(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const worst = lines.findLast((line) => /\blevel=(?:fatal|error|panic)\b|^panic: |^Error: /.test(line));
  return oneLine(messageOf(worst ?? lines.at(-1) ?? ''));
}

/** `msg="…"` of a log line, a Go string literal close enough to JSON; any other line is its own message. */
function messageOf(line: string): string {
  const literal = /\bmsg=("(?:[^"\\]|\\.)*")/.exec(line)?.[1];
  if (literal === undefined) return /\bmsg=(\S+)/.exec(line)?.[1] ?? line;
  try {
    return JSON.parse(literal) as string;
  } catch {
    return literal.slice(1, -1); // \x escapes, which JSON does not have
  }
}
