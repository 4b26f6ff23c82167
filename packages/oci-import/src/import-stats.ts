import { formatBytes } from '@cfskit/progress';

/**
 * Counters of one import. Inline bytes are headers, padding and small files; each external chunk of a layer counts once
 * with the way it was stored, also when its content occurs again. Streams, configs and manifests are not counted.
 *
 * A skipped layer is counted in `layers` and `layersAlreadyPresent` and nowhere else.
 */
export interface ImportStats {
  readonly layers: number;
  readonly layersAlreadyPresent: number;
  readonly objectsCopied: number;
  readonly objectsReflinked: number;
  readonly objectsHardlinked: number;
  readonly objectsAlreadyPresent: number;
  readonly bytesCopied: number;
  readonly bytesReflinked: number;
  readonly bytesHardlinked: number;
  readonly bytesInlined: number;
}

const NO_STATS: ImportStats = Object.freeze({
  layers: 0,
  layersAlreadyPresent: 0,
  objectsCopied: 0,
  objectsReflinked: 0,
  objectsHardlinked: 0,
  objectsAlreadyPresent: 0,
  bytesCopied: 0,
  bytesReflinked: 0,
  bytesHardlinked: 0,
  bytesInlined: 0,
});

/** The sum of all counters, one by one. */
export function mergeStats(all: Iterable<Partial<ImportStats>>): ImportStats {
  const sum: { -readonly [Key in keyof ImportStats]: number } = { ...NO_STATS };
  for (const stats of all) {
    for (const key of Object.keys(sum) as (keyof ImportStats)[]) sum[key] += stats[key] ?? 0;
  }
  return sum;
}

/** Objects that were not in the repository before, however they got there. */
export function newObjects(stats: ImportStats): number {
  return stats.objectsCopied + stats.objectsReflinked + stats.objectsHardlinked;
}

/** New objects and those that were there already. */
export function totalObjects(stats: ImportStats): number {
  return newObjects(stats) + stats.objectsAlreadyPresent;
}

/** Bytes of the new objects. */
export function newBytes(stats: ImportStats): number {
  return stats.bytesCopied + stats.bytesReflinked + stats.bytesHardlinked;
}

/** The line behind `objects` in the output of a pull. Spec: oci-import 11, five exact texts. */
export function formatImportStats(stats: ImportStats): string {
  return stats.objectsReflinked === 0 && stats.objectsHardlinked === 0 ? formatCopies(stats) : formatAllMethods(stats);
}

function formatCopies(stats: ImportStats): string {
  const objects = `${stats.objectsCopied} new + ${stats.objectsAlreadyPresent} already present objects`;
  return `${objects}; ${formatBytes(stats.bytesCopied)} stored, ${formatBytes(stats.bytesInlined)} inlined`;
}

function formatAllMethods(stats: ImportStats): string {
  const objects = [
    ...(stats.objectsReflinked > 0 ? [`${stats.objectsReflinked} reflinked`] : []),
    ...(stats.objectsHardlinked > 0 ? [`${stats.objectsHardlinked} hardlinked`] : []),
    `${stats.objectsCopied} copied`,
    `${stats.objectsAlreadyPresent} already present objects`,
  ];
  const bytes = [
    ...(stats.bytesReflinked > 0 ? [`${formatBytes(stats.bytesReflinked)} reflinked`] : []),
    ...(stats.bytesHardlinked > 0 ? [`${formatBytes(stats.bytesHardlinked)} hardlinked`] : []),
    `${formatBytes(stats.bytesCopied)} copied`,
    `${formatBytes(stats.bytesInlined)} inlined`,
  ];
  return `${objects.join(' + ')}; ${bytes.join(', ')}`;
}
