import { resolve } from 'node:path';
import { CliError } from '@cfskit/cli-kit';
import { openOciDir } from '@cfskit/ocidir';
import { parseImageReference, parseOciLayoutRef, type ImageReference } from '@cfskit/oci-ref';
import type { ImageSource } from '@cfskit/oci-spec';
import { readValue } from './bad-value.ts';

/**
 * Understand a source image as it was typed. Nothing is opened.
 *
 * @throws {UsageError} it is no reference. {CliError} UNSUPPORTED, a transport that this program cannot read
 */
export function parseSource(text: string): ImageReference {
  const reference = readValue('SOURCE', () => parseImageReference(text));
  if (reference.transport === 'oci') return reference;
  const message = `transport '${reference.transport}' is not supported; supported: oci:DIR[:TAG]`;
  throw new CliError('UNSUPPORTED', message, { detail: { transport: reference.transport, supported: ['oci'] } });
}

/**
 * Open a source image.
 *
 * @param cwd where relative paths begin
 * @throws {OciDirError}
 */
export function openSource({ name }: ImageReference, cwd: string): Promise<ImageSource> {
  const { path, tag } = parseOciLayoutRef(name);
  return openOciDir(resolve(cwd, path), tag === undefined ? {} : { tag });
}
