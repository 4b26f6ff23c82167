import { formatImageReference, parseImageReference, parseOciLayoutRef, type ImageReference } from '@cfskit/oci-ref';
import { openDirImageWriter, openOciArchiveWriter, openOciLayoutWriter } from '@cfskit/ocidir';
import { parseArchiveRef } from './archive-reference.ts';
import { layoutSink, wholeSink } from './blob-sink.ts';
import { ImageSourceError } from './errors.ts';
import type { ImageDestination } from './image-destination.ts';
import type { RegistryAccess } from './registry-access.ts';
import { RegistryDestination } from './registry-destination.ts';
import { SinkDestination } from './sink-destination.ts';

/** How destinations are opened. */
export interface OpenImageDestinationOptions extends RegistryAccess {
  /** Paths are those of Windows; if not said, as this machine has them. */
  readonly windows?: boolean;
}

/**
 * The place that a reference names: `docker://name`, `oci:dir[:tag]`, `oci-archive:file[:tag]`, `dir:directory`. Nothing is written yet.
 *
 * @throws {OciRefError} for what is no reference
 * @throws {ImageSourceError} UNSUPPORTED_DESTINATION
 */
export function openImageDestination(reference: string | ImageReference, options: OpenImageDestinationOptions = {}): ImageDestination {
  const parsed = typeof reference === 'string' ? parseImageReference(reference) : reference;
  const { windows = process.platform === 'win32' } = options;
  const text = formatImageReference(parsed);
  switch (parsed.transport) {
    case 'registry':
      return new RegistryDestination(parsed.name, options);
    case 'oci': {
      const { path, tag } = parseOciLayoutRef(parsed.name, { windows });
      return new SinkDestination(text, tag, async () => layoutSink(await openOciLayoutWriter(path)));
    }
    case 'oci-archive': {
      const { path, name } = parseArchiveRef(parsed.name, { windows });
      return new SinkDestination(text, name, async () => wholeSink(await openOciArchiveWriter(path)));
    }
    case 'dir':
      return new SinkDestination(text, undefined, async () => wholeSink(await openDirImageWriter(parsed.name)));
    default:
      throw new ImageSourceError('UNSUPPORTED_DESTINATION', text, `images cannot be written to ${parsed.transport}: ${text}`);
  }
}
