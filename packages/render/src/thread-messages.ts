import { CompressionError } from '@cfskit/compression';
import { reviveError, type PlainError } from '@cfskit/linux';
import { OciSpecError, VerifyError, type Expected } from '@cfskit/oci-spec';
import type { DecodeJob } from './decode-blob.ts';
import { RenderError } from './errors.ts';

/**
 * To the thread: a job; then stored bytes, one message for each that it wants, and their end. A credit gives memory back. After `stop`
 * nobody wants the rest.
 */
export type ToThread =
  | { readonly kind: 'job'; readonly job: DecodeJob }
  | { readonly kind: 'input'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'stop' }
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

const CLASSES = [CompressionError, OciSpecError, RenderError, VerifyError, RangeError, TypeError];

/** Put an error of another thread together again, with its class where it is one that decoders throw. */
export function reviveThreadError(plain: PlainError): Error {
  return reviveError(plain, CLASSES);
}
