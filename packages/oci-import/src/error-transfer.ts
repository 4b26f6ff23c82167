/** An error as data: structured cloning loses the class and the fields of an Error, and with them its `code`. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly cause: PlainError | undefined;
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

function cloneable(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return String(value);
  }
}
