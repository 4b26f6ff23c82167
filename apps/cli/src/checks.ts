import { CliError, printable, type CommandContext } from '@cfskit/cli-kit';
import { fsckJson, type FsckFinding, type FsckJson, type FsckProgress, type FsckReport } from '@cfskit/repository';
import { mapItems } from './map-items.ts';

/** A finding with keys as the command line writes them. */
export type FindingJson = Readonly<Record<string, unknown>>;

/** The report of a repository check as JSON, its findings with `snake_case` keys and made while they are written: there may be a million. */
export function repositoryReportJson(report: FsckReport): Omit<FsckJson, 'findings'> & { readonly findings: AsyncIterable<FindingJson> } {
  return { ...fsckJson(report), findings: mapItems(report.errors, findingJson) };
}

/** `objectId` and `refName` become `object_id` and `ref_name`. */
export function findingJson(finding: FsckFinding): FindingJson {
  return Object.fromEntries(
    Object.entries(finding).map(([key, value]) => [key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]),
  );
}

/** A text of several lines of a report, safe for a terminal: what it names may come from a damaged repository. */
export function reportLines(text: string): string[] {
  return text.trimEnd().split('\n').map(printable);
}

/**
 * End a check: with problems it fails, unless `--exit-zero`.
 *
 * @throws {CliError} PROBLEMS_FOUND
 */
export function concludeCheck(problems: number, { exitZero, message }: { readonly exitZero: boolean; readonly message: string }): void {
  if (problems > 0 && !exitZero) throw new CliError('PROBLEMS_FOUND', message, { detail: { problems } });
}

/** Tells the progress of a check: one component for each kind of thing that is checked. */
export function checkProgress({ reporter }: CommandContext): (progress: FsckProgress) => void {
  const started = new Set<string>();
  return ({ phase, done, total }) => {
    if (!started.has(phase)) reporter.report({ type: 'started', id: phase, total, unit: 'items' });
    started.add(phase);
    reporter.report(done >= total ? { type: 'done', id: phase, transferred: done } : { type: 'progress', id: phase, fetched: done, total });
  };
}
