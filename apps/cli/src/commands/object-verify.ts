import { defineCommand, printable, type Command } from '@cfskit/cli-kit';
import { withRepository } from '@cfskit/cli-kit/images';
import { formatFinding, type ObjectsReport } from '@cfskit/repository';
import { checkProgress, concludeCheck, findingJson } from '../checks.ts';
import { mapItems } from '../map-items.ts';
import { parseObjectNames, resolveObject } from '../object-name.ts';

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
      const report = await repository.verifyObjects({
        ids: ids.length === 0 ? undefined : ids,
        onProgress: checkProgress(context),
        signal: context.signal,
      });
      await context.print({
        json: () => toJson(report),
        text: () => mapItems(report.errors, (finding) => printable(formatFinding(finding))),
      });
      concludeCheck(report.errors.length, { exitZero: values['exit-zero'], message: 'object check failed' });
    });
  },
});

function toJson({ objectsChecked, objectsCorrupted, errors }: ObjectsReport): unknown {
  return {
    ok: errors.length === 0,
    objects_checked: objectsChecked,
    objects_corrupted: objectsCorrupted,
    errors: mapItems(errors, formatFinding),
    findings: mapItems(errors, findingJson),
  };
}
