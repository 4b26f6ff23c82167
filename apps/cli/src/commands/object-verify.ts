import { defineCommand, printable, type Command, type CommandContext } from '@cfskit/cli-kit';
import { withRepository } from '@cfskit/cli-kit/images';
import { FsVerityHasher, objectPath, type ObjectId } from '@cfskit/fs-verity';
import { formatFinding, RepositoryError, type FsckFinding, type Repository } from '@cfskit/repository';
import { checkProgress, concludeCheck, findingJson } from '../checks.ts';
import { parseObjectNames, resolveObject } from '../object-name.ts';

interface ObjectReport {
  readonly checked: number;
  readonly findings: readonly FsckFinding[];
}

export const objectVerify: Command = defineCommand({
  summary: 'Compare objects with their ids',
  details: 'Prints a line for each object that is not what its id says.',
  arguments: {
    ids: {
      name: 'ID',
      description: 'Object: full hex, algorithm:hex, xx/rest, or its first 12 hex digits or more; without any, all objects',
      variadic: true,
      optional: true,
    },
  },
  options: { 'exit-zero': { type: 'boolean', description: 'Exit 0 also when problems were found' } },
  examples: [
    ['object verify', 'all objects'],
    ['object verify 4b1f… 77c0…', 'these two'],
  ],
  exitCodes: [
    { code: '0', meaning: 'everything is in order' },
    { code: '1', meaning: 'problems were found, or the check itself failed' },
  ],
  run({ values, args }, context) {
    const names = parseObjectNames(args.ids);
    return withRepository(values, context, async (repository) => {
      const ids = await Promise.all(names.map((name) => resolveObject(repository, name)));
      const report = ids.length === 0 ? await verifyAll(repository, context) : await verifySome(repository, ids, context);
      await context.print({
        json: () => toJson(report),
        text: () => report.findings.map((finding) => printable(formatFinding(finding))),
      });
      concludeCheck(report.findings.length, { exitZero: values['exit-zero'], message: 'object check failed' });
    });
  },
});

async function verifyAll(repository: Repository, context: CommandContext): Promise<ObjectReport> {
  const onProgress = checkProgress(context);
  const report = await repository.fsck({
    signal: context.signal,
    onProgress: (progress) => {
      if (progress.phase === 'objects') onProgress(progress);
    },
  });
  const findings = report.errors.filter((finding) => 'path' in finding && finding.path.startsWith('objects/'));
  return { checked: report.objectsChecked, findings };
}

async function verifySome(repository: Repository, ids: readonly ObjectId[], { signal }: CommandContext): Promise<ObjectReport> {
  const findings: FsckFinding[] = [];
  for (const id of ids) {
    const finding = await verifyOne(repository, id, signal);
    if (finding !== undefined) findings.push(finding);
  }
  return { checked: ids.length, findings };
}

async function verifyOne(repository: Repository, id: ObjectId, signal: AbortSignal): Promise<FsckFinding | undefined> {
  const path = `objects/${objectPath(id)}`;
  try {
    const hasher = new FsVerityHasher(repository.algorithm);
    for await (const chunk of repository.objects.open(id, { signal })) hasher.update(chunk);
    const measured = hasher.objectId();
    return measured === id ? undefined : { type: 'object-digest-mismatch', path, measured };
  } catch (error) {
    if (!(error instanceof RepositoryError)) throw error;
    return error.code === 'VERITY_MISSING'
      ? { type: 'object-verity-missing', path }
      : { type: 'object-verity-failed', path, detail: error.message };
  }
}

function toJson({ checked, findings }: ObjectReport): unknown {
  return {
    ok: findings.length === 0,
    objects_checked: checked,
    objects_corrupted: findings.length,
    errors: findings.map(formatFinding),
    findings: findings.map(findingJson),
  };
}
