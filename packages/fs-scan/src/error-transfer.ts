import { FsScanError, type FsScanErrorCode } from './errors.ts';

/** An error as data: structured cloning loses the class and the fields of an Error, and with them its `code`. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Own fields that can be cloned. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly cause: PlainError | undefined;
}

/** Take an error apart for another thread. */
export function describeError(error: unknown): PlainError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: undefined, fields: {}, cause: undefined };
  const { name, message, stack, cause } = error;
  const fields = Object.fromEntries(Object.entries(error).filter(([, value]) => typeof value === 'string' || typeof value === 'number'));
  return { name, message, stack, fields, cause: cause === undefined ? undefined : describeError(cause) };
}

/** Put an error of another thread together again: with its class if it is one of this package, else an `Error` with its fields. */
export function reviveError({ name, message, stack, fields, cause }: PlainError): Error {
  const options = cause === undefined ? undefined : { cause: reviveError(cause) };
  if (name === FsScanError.prototype.name) {
    const { code, path, reason } = fields as { code: FsScanErrorCode; path: string; reason: string };
    return new FsScanError(code, path, reason, options);
  }
  const error = Object.assign(new Error(message, options), fields);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}
