import { closeSync, fstatSync, readSync, writeSync } from 'node:fs';
import { discardStagingFile, openStagingFile, reopenReadOnly, type StagingFile } from './staging.ts';
import { enableVerity, type EnableOutcome, type VerityAlgorithm } from './verity.ts';

/** What {@link enableVerityOrCopy} did. */
export interface EnabledFile {
  readonly outcome: EnableOutcome;
  /**
   * A copy that has verity in place of the original: read-only, not yet named, the caller's to link and to close.
   * There is one exactly if the original was busy and the copy was not.
   */
  readonly copy: StagingFile | undefined;
}

/**
 * {@link enableVerity}, three attempts 1 ms apart while the file is busy: a process forked elsewhere may hold the writable descriptor
 * for the moment until it executes its program. Blocks the thread for these pauses.
 *
 * @throws {LinuxError} as enableVerity
 */
export function enableVerityRetrying(fd: number, algorithm: VerityAlgorithm): EnableOutcome {
  for (let attempt = 1; ; attempt++) {
    const outcome = enableVerity(fd, algorithm);
    if (outcome !== 'busy' || attempt === ATTEMPTS) return outcome;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

/**
 * {@link enableVerityRetrying}, and when the file stays busy, enable verity on a copy of it instead, of up to three.
 *
 * @param fd read-only or read-write; its offset does not matter and is not changed
 * @param directory where to make the copy: the file system of the file
 * @returns outcome `busy` if even the copies were
 * @throws {LinuxError} as enableVerity; Node's own errors. No copy is left behind.
 */
export function enableVerityOrCopy(fd: number, algorithm: VerityAlgorithm, directory: string): EnabledFile {
  const outcome = enableVerityRetrying(fd, algorithm);
  if (outcome !== 'busy') return { outcome, copy: undefined };
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const copied = enableCopy(fd, algorithm, directory);
    if (copied.outcome !== 'busy') return copied;
  }
  return { outcome: 'busy', copy: undefined };
}

function enableCopy(fd: number, algorithm: VerityAlgorithm, directory: string): EnabledFile {
  const copy = copyReadOnly(fd, directory);
  let outcome: EnableOutcome | undefined;
  try {
    outcome = enableVerityRetrying(copy.fd, algorithm);
  } finally {
    if (outcome !== 'enabled') dispose(copy);
  }
  return { outcome, copy: outcome === 'enabled' ? copy : undefined };
}

/** A copy with the permissions of the original, of which no writable descriptor is left. */
function copyReadOnly(fd: number, directory: string): StagingFile {
  const writable = openStagingFile(directory, { mode: fstatSync(fd).mode & 0o777 });
  try {
    copyBytes(fd, writable.fd);
    return { fd: reopenReadOnly(writable.fd), path: writable.path };
  } catch (error) {
    discardStagingFile(writable);
    throw error;
  } finally {
    closeSync(writable.fd);
  }
}

function copyBytes(from: number, to: number): void {
  const buffer = new Uint8Array(COPY_SIZE);
  let position = 0;
  for (let size: number; (size = readSync(from, buffer, 0, COPY_SIZE, position)) > 0; position += size) {
    for (let written = 0; written < size;) written += writeSync(to, buffer, written, size - written, position + written);
  }
}

function dispose(copy: StagingFile): void {
  discardStagingFile(copy);
  closeSync(copy.fd);
}

const ATTEMPTS = 3;
const COPY_SIZE = 1 << 20;
