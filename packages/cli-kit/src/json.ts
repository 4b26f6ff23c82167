/**
 * A value as one JSON document with a newline at its end: indented by two on a terminal, else on one line.
 *
 * bigints are written as numbers; they must be below 2^53.
 *
 * @throws {RangeError} for a bigint that JSON cannot hold exactly
 */
export function formatJson(value: unknown, options: { readonly indent: boolean }): string {
  return `${stringify(value, options.indent) ?? 'null'}\n`;
}

/**
 * The document that {@link formatJson} makes, in pieces. What is iterable and no array, in the value or in objects within it, is written as a
 * list, item by item as the items come: no more than one of them is in memory.
 *
 * @throws {RangeError} as formatJson; what the lists throw, behind the pieces before it
 */
export async function* jsonPieces(value: unknown, { indent }: { readonly indent: boolean }): AsyncGenerator<string, void> {
  yield* piecesOf(value, { indent, margin: indent ? '\n' : '' });
  yield '\n';
}

/** How a part of a document is set: `margin` is a line break and the indentation of the part, or nothing. */
interface Setting {
  readonly indent: boolean;
  readonly margin: string;
}

async function* piecesOf(value: unknown, setting: Setting): AsyncGenerator<string, void> {
  if (isLazyList(value)) yield* listPieces(value, setting);
  else if (isPlainObject(value)) yield* objectPieces(value, setting);
  else yield whole(value, setting) ?? 'null';
}

async function* listPieces(items: Iterable<unknown> | AsyncIterable<unknown>, setting: Setting): AsyncGenerator<string, void> {
  const inner = below(setting);
  let separator = '[';
  for await (const item of items) {
    yield `${separator}${inner.margin}${whole(item, inner) ?? 'null'}`;
    separator = ',';
  }
  yield separator === '[' ? '[]' : `${setting.margin}]`;
}

async function* objectPieces(members: object, setting: Setting): AsyncGenerator<string, void> {
  const inner = below(setting);
  let separator = '{';
  for (const [key, value] of Object.entries(members)) {
    if (value === undefined) continue;
    yield `${separator}${inner.margin}${JSON.stringify(key)}:${setting.indent ? ' ' : ''}`;
    yield* piecesOf(value, inner);
    separator = ',';
  }
  yield separator === '{' ? '{}' : `${setting.margin}}`;
}

function below({ indent, margin }: Setting): Setting {
  return { indent, margin: indent ? `${margin}  ` : '' };
}

/** A value without lazy lists. Strings hold no line break, JSON escapes them. */
function whole(value: unknown, { indent, margin }: Setting): string | undefined {
  const text = stringify(value, indent);
  return indent ? text?.replaceAll('\n', margin) : text;
}

function isLazyList(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && (Symbol.iterator in value || Symbol.asyncIterator in value)
  );
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !('toJSON' in value);
}

function stringify(value: unknown, indent: boolean): string | undefined {
  return JSON.stringify(value, exactNumber, indent ? 2 : undefined);
}

function exactNumber(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER))
    throw new RangeError(`${value} is too large for JSON`);
  return Number(value);
}
