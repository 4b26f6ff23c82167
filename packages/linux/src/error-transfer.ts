/** An error as data: structured cloning loses the class and the fields of an Error, and with them its `code`. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly cause: PlainError | undefined;
}

/** A class of errors, of which only the prototype is used: its `name` tells which errors are of it. */
export interface ErrorClass {
  readonly prototype: Error;
}

/** An error of another thread, on its way to the thread that will put it together again. */
export class TransferredError extends Error {
  static {
    this.prototype.name = 'TransferredError';
  }
  readonly plain: PlainError;

  constructor(plain: PlainError) {
    super(plain.message);
    this.plain = plain;
  }
}

/** Takes an error apart for another thread. Own fields that cannot be cloned arrive as text. */
export function describeError(error: unknown): PlainError {
  if (error instanceof TransferredError) return error.plain;
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: undefined, fields: {}, cause: undefined };
  const { name, message, stack, cause } = error;
  const fields = Object.fromEntries(Object.entries(error).map(([key, value]) => [key, cloneable(value)]));
  return { name, message, stack, fields, cause: cause === undefined ? undefined : describeError(cause) };
}

/**
 * Puts an error of another thread together again, its causes too.
 *
 * @param classes those that keep their identity; an error of any other arrives as an `Error` with its name and fields
 */
export function reviveError(plain: PlainError, classes: readonly ErrorClass[]): Error {
  const { name, message, stack, fields, cause } = plain;
  const error = new Error(message, cause === undefined ? undefined : { cause: reviveError(cause, classes) });
  const known = classes.find(({ prototype }) => prototype.name === name);
  if (known !== undefined) Object.setPrototypeOf(error, known.prototype);
  else if (error.name !== name) error.name = name;
  Object.assign(error, fields);
  if (stack !== undefined) error.stack = stack;
  return error;
}

function cloneable(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return String(value);
  }
}
