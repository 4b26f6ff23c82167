import { CompressionError } from '@cfskit/compression';
import { FsVerityError } from '@cfskit/fs-verity';
import { LinuxError } from '@cfskit/linux';
import { OciSpecError, VerifyError } from '@cfskit/oci-spec';
import { RepositoryError } from '@cfskit/repository';
import { SplitstreamError } from '@cfskit/splitstream';
import { TarSplitError } from '@cfskit/tar-split';
import { ChannelCancelled } from './chunk-channel.ts';
import type { PlainError } from './error-transfer.ts';
import { OciImportError } from './errors.ts';

/** Classes that keep their identity when an error crosses threads; any other arrives as a plain Error with its fields. */
const CLASSES = [
  ChannelCancelled,
  CompressionError,
  FsVerityError,
  LinuxError,
  OciImportError,
  OciSpecError,
  RangeError,
  RepositoryError,
  SplitstreamError,
  TarSplitError,
  TypeError,
  VerifyError,
];
const PROTOTYPES: ReadonlyMap<string, object> = new Map(CLASSES.map((known) => [known.prototype.name, known.prototype]));

/** Puts an error of another thread together again, with its class where the class is one of ours. */
export function reviveError(plain: PlainError): Error {
  const error = new Error(plain.message, plain.cause === undefined ? undefined : { cause: reviveError(plain.cause) });
  const prototype = PROTOTYPES.get(plain.name);
  if (prototype !== undefined) Object.setPrototypeOf(error, prototype);
  Object.assign(error, plain.fields);
  if (plain.stack !== undefined) error.stack = plain.stack;
  return error;
}
