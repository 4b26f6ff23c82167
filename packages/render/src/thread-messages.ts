import { CompressionError } from '@cfskit/compression';
import { OciSpecError, VerifyError, type Expected } from '@cfskit/oci-spec';
import type { DecodeJob } from './decode-blob.ts';
import { RenderError } from './errors.ts';

/** To the thread: a job; then stored bytes, one message for each that it wants, and their end. A credit gives memory back. */
export type ToThread =
  | { readonly kind: 'job'; readonly job: DecodeJob }
  | { readonly kind: 'input'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'credit'; readonly buffer?: ArrayBuffer };

/** From the thread: it wants bytes, or has some; the last message of a job is `done` or `failed`. */
export type FromThread =
  | { readonly kind: 'want' }
  | { readonly kind: 'output'; readonly bytes: Uint8Array }
  | { readonly kind: 'done'; readonly blob?: Expected }
  | { readonly kind: 'failed'; readonly error: PlainError };

/** Chunks under way from a thread. Each has about a MiB. */
export const OUTPUT_WINDOW = 4;

/** Chunks under way to a thread. */
export const INPUT_WINDOW = 3;

/** An error as data: cloning loses class and fields of an Error. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly cause: PlainError | undefined;
}

/** Take an error apart, to go to another thread. */
export function describeError(error: unknown): PlainError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: undefined, fields: {}, cause: undefined };
  const { name, message, stack, cause } = error;
  const plain = Object.entries(error).filter(([, value]) => ['string', 'number', 'undefined'].includes(typeof value));
  return { name, message, stack, fields: Object.fromEntries(plain), cause: cause === undefined ? undefined : describeError(cause) };
}

const PROTOTYPES: ReadonlyMap<string, object> = new Map(
  [CompressionError, OciSpecError, RenderError, VerifyError, RangeError, TypeError].map(({ prototype }) => [prototype.name, prototype]),
);

/** Put an error of another thread together again, with its class where it is one that decoders throw. */
export function reviveError({ name, message, stack, fields, cause }: PlainError): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: reviveError(cause) });
  const prototype = PROTOTYPES.get(name);
  if (prototype !== undefined) Object.setPrototypeOf(error, prototype);
  Object.assign(error, fields);
  if (stack !== undefined) error.stack = stack;
  return error;
}
