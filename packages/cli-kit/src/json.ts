/**
 * A value as one JSON document with a newline at its end: indented by two on a terminal, else on one line.
 *
 * bigints are written as numbers; they must be below 2^53.
 *
 * @throws {RangeError} for a bigint that JSON cannot hold exactly
 */
export function formatJson(value: unknown, options: { readonly indent: boolean }): string {
  return `${JSON.stringify(value, exactNumber, options.indent ? 2 : undefined)}\n`;
}

function exactNumber(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER))
    throw new RangeError(`${value} is too large for JSON`);
  return Number(value);
}
