import type { Time } from '@cfskit/fs-tree';
import { openFileOutput, type ByteOutput } from './byte-output.ts';
import { openDirectorySink, type DirectoryOptions } from './directory-sink.ts';
import type { EntryOrder, OutputSink } from './output-sink.ts';
import { openSquashfsSink, type SquashfsOptions } from './squashfs-sink.ts';
import { TarSink } from './tar-sink.ts';

/** A tar: in a file, which appears when it is complete, or written to whatever takes bytes. */
export interface TarSpec {
  readonly kind: 'tar';
  readonly to: string | ByteOutput;
  /**
   * `stream`, the default: as the layers come, newest first. `sorted`: parents before what is in them, names in byte order, so that the bytes do
   * not depend on how the image was cut into layers; contents wait in a temporary file.
   */
  readonly order?: EntryOrder;
}

/** A squashfs image, made by mksquashfs 4.5 or later. */
export interface SquashfsSpec extends Omit<SquashfsOptions, 'created'> {
  readonly kind: 'squashfs';
  readonly to: string;
}

/** A directory. */
export interface DirectorySpec extends DirectoryOptions {
  readonly kind: 'dir';
  readonly to: string;
}

/** What to make of an image, by one merge of its layers. */
export type ImageSpec = TarSpec | SquashfsSpec | DirectorySpec;

/**
 * Begin an output.
 *
 * @param signal ends programs that take part, and long holes
 * @throws {RenderError} for a place or a program that is no good. The signal's reason
 */
export async function openSink(spec: ImageSpec, created: Time | undefined, signal: AbortSignal): Promise<OutputSink> {
  switch (spec.kind) {
    case 'tar':
      return new TarSink(typeof spec.to === 'string' ? await openFileOutput(spec.to) : spec.to, spec.order ?? 'stream', signal);
    case 'squashfs':
      return await openSquashfsSink(spec.to, { ...spec, created }, signal);
    default:
      return await openDirectorySink(spec.to, spec);
  }
}
