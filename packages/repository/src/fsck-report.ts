import { formatFinding, type FsckFinding } from './finding.ts';

/** What a check of a repository found. As JSON this is the library form of the reference. */
export interface FsckReport {
  readonly hasMetadata: boolean;
  readonly objectsChecked: number;
  readonly objectsCorrupted: number;
  readonly streamsChecked: number;
  readonly streamsCorrupted: number;
  readonly imagesChecked: number;
  readonly imagesCorrupted: number;
  readonly brokenLinks: number;
  readonly missingObjects: number;
  /** Everything that is wrong; none means that the repository is in order. */
  readonly errors: readonly FsckFinding[];
}

/** The command line's JSON: the reference's keys, and the findings in structured form besides. */
export interface FsckJson {
  readonly ok: boolean;
  readonly has_metadata: boolean;
  readonly objects_checked: number;
  readonly objects_corrupted: number;
  readonly streams_checked: number;
  readonly streams_corrupted: number;
  readonly images_checked: number;
  readonly images_corrupted: number;
  readonly broken_links: number;
  readonly missing_objects: number;
  readonly errors: readonly string[];
  readonly findings: readonly FsckFinding[];
}

/** The report in the shape that the command line prints. */
export function fsckJson(report: FsckReport): FsckJson {
  return {
    ok: report.errors.length === 0,
    has_metadata: report.hasMetadata,
    objects_checked: report.objectsChecked,
    objects_corrupted: report.objectsCorrupted,
    streams_checked: report.streamsChecked,
    streams_corrupted: report.streamsCorrupted,
    images_checked: report.imagesChecked,
    images_corrupted: report.imagesCorrupted,
    broken_links: report.brokenLinks,
    missing_objects: report.missingObjects,
    errors: report.errors.map(formatFinding),
    findings: report.errors,
  };
}

/** The report as text, each line with its newline. */
export function formatFsckReport(report: FsckReport): string {
  const { errors } = report;
  const lines = [
    `meta.json: ${metadataState(report)}`,
    `objects: ${ratio(report.objectsChecked, report.objectsCorrupted)}`,
    `streams: ${ratio(report.streamsChecked, report.streamsCorrupted)}`,
    `images: ${ratio(report.imagesChecked, report.imagesCorrupted)}`,
    ...(report.brokenLinks > 0 ? [`broken symlinks: ${report.brokenLinks}`] : []),
    ...(report.missingObjects > 0 ? [`missing objects: ${report.missingObjects}`] : []),
    errors.length === 0 ? 'status: ok' : `status: ${errors.length} error(s)`,
    ...errors.map((finding) => `  - ${formatFinding(finding)}`),
  ];
  return `${lines.join('\n')}\n`;
}

function metadataState({ hasMetadata, errors }: FsckReport): string {
  if (errors.some(({ type }) => type === 'metadata-parse-failed' || type === 'metadata-algorithm-mismatch')) return 'error';
  return hasMetadata ? 'ok' : 'absent';
}

function ratio(checked: number, corrupted: number): string {
  return `${checked - corrupted}/${checked} ok`;
}
