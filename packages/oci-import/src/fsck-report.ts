import { formatFsckReport, fsckJson } from '@cfskit/repository';
import type { FsckJson, FsckReport } from '@cfskit/repository';
import { formatOciFinding } from './fsck-finding.ts';
import type { OciFsckFinding } from './fsck-finding.ts';

/** What a check of all images came to. */
export interface OciFsckReport {
  /** the repository's own check */
  readonly repository: FsckReport;
  readonly imagesChecked: number;
  /** an image counts once, however much is wrong with it */
  readonly imagesCorrupted: number;
  readonly findings: readonly OciFsckFinding[];
}

/** The report as the command line prints it in JSON: texts in `errors`, structure in `findings`. */
export interface OciFsckJson {
  readonly ok: boolean;
  readonly images_checked: number;
  readonly images_corrupted: number;
  readonly errors: readonly string[];
  readonly repo: FsckJson;
  readonly findings: readonly OciFsckFinding[];
}

/** Whether everything is in order, the repository included. */
export function isOciFsckOk(report: OciFsckReport): boolean {
  return report.findings.length === 0 && report.repository.errors.length === 0;
}

/** The report in the shape of the JSON output. */
export function ociFsckJson(report: OciFsckReport): OciFsckJson {
  return {
    ok: isOciFsckOk(report),
    images_checked: report.imagesChecked,
    images_corrupted: report.imagesCorrupted,
    errors: report.findings.map(formatOciFinding),
    repo: fsckJson(report.repository),
    findings: report.findings,
  };
}

/** The report as text, each line with its newline. */
export function formatOciFsckReport(report: OciFsckReport): string {
  const { findings, imagesChecked, imagesCorrupted } = report;
  const lines = [`oci images: ${imagesChecked - imagesCorrupted}/${imagesChecked} ok`];
  if (findings.length > 0) lines.push(`oci errors: ${findings.length}`, ...findings.map((finding) => `  - ${formatOciFinding(finding)}`));
  return `${formatFsckReport(report.repository)}${lines.join('\n')}\n`;
}
