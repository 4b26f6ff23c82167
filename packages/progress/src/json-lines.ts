import type { CompletedEvent, ProgressEvent, Unit } from './event.ts';
import type { Reporter } from './reporter.ts';

const UNIT_NAMES: Readonly<Record<Unit, string>> = { bytes: 'Bytes', items: 'Items' };

/** An event as machines read it: an object with exactly one key, the one cfsctl streams over its service. Unknown totals are absent. */
export function progressToJson(event: ProgressEvent): Readonly<Record<string, unknown>> {
  switch (event.type) {
    case 'plan':
      return { plan: { components: event.components, bytes_total: event.bytesTotal, bytes_present: event.bytesPresent } };
    case 'started':
      return { started: { id: event.id, ...totalOf(event), unit: UNIT_NAMES[event.unit] } };
    case 'progress':
      return { progress: { id: event.id, fetched: event.fetched, ...totalOf(event) } };
    case 'skipped':
      return { skipped: { id: event.id } };
    case 'done':
      return { done: { id: event.id, transferred: event.transferred } };
    case 'message':
      return { message: event.text };
    default:
      return { completed: completedToJson(event) };
  }
}

function completedToJson(event: CompletedEvent): Readonly<Record<string, string>> {
  return {
    manifest_digest: event.manifestDigest,
    config_digest: event.configDigest,
    manifest_verity: event.manifestVerity,
    config_verity: event.configVerity,
    stats: event.stats,
  };
}

/**
 * One line of JSON per event.
 *
 * @param write takes whole lines with their newline
 */
export function jsonLinesRenderer(write: (text: string) => void): Reporter {
  return { report: (event) => write(`${JSON.stringify(progressToJson(event))}\n`) };
}

function totalOf({ total }: { readonly total?: number }): { readonly total?: number } {
  return total === undefined ? {} : { total };
}
