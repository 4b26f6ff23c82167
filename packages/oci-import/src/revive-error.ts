import { CompressionError } from '@cfskit/compression';
import { FsVerityError } from '@cfskit/fs-verity';
import { LinuxError, reviveError } from '@cfskit/linux';
import type { PlainError } from '@cfskit/linux';
import { OciSpecError, VerifyError } from '@cfskit/oci-spec';
import { RepositoryError } from '@cfskit/repository';
import { SplitstreamError } from '@cfskit/splitstream';
import { TarSplitError } from '@cfskit/tar-split';
import { ChannelCancelled } from './chunk-channel.ts';
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

/** Puts an error of a worker together again, with its class where the class is one of ours. */
export function reviveWorkerError(plain: PlainError): Error {
  return reviveError(plain, CLASSES);
}
