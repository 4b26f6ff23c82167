import { defineCommand, type Command } from '@cfskit/cli-kit';
import { withRepositoryIfAny } from '@cfskit/cli-kit/images';
import { COMPARED_FIELDS, type MissingPath } from '@cfskit/fs-tree';
import { Comparison } from '../diff/comparison.ts';
import { differenceLine, fieldJson, missingJson, type FieldDifference } from '../diff/difference-text.ts';
import { IMAGE_FIELDS } from '../diff/image-facts.ts';
import { readSides } from '../diff/read-sides.ts';
import { fsOptions } from '../fs-options.ts';
import { mapItems } from '../map-items.ts';
import type { Subject } from '../subject.ts';
import { checkSubjectName } from '../subject-place.ts';

const SIDE_TEXT =
  'Stored OCI image or EROFS image, or the path of an image file, dumpfile or directory; stored:NAME and ./NAME force one side';

export const diff: Command = defineCommand({
  summary: 'Compare two images, dumpfiles or directories, and say why their ids differ',
  details:
    'Prints a line for each path that only A (-) or only B (+) has, and for each field of a path in which they differ (~, then the value of A and that of B). What the differences have in common, and what to do about it, follows on lines that begin with #. A directory that is compared with an image is read as create-image reads it, if it has a /usr. Contents are compared by their ids.',
  arguments: { a: { name: 'A', description: SIDE_TEXT }, b: { name: 'B', description: 'The same' } },
  options: {
    ignore: {
      type: 'string',
      value: 'FIELD',
      multiple: true,
      choices: [...COMPARED_FIELDS, ...IMAGE_FIELDS],
      description: `A field that may differ, may be repeated: ${[...COMPARED_FIELDS, ...IMAGE_FIELDS].join(', ')}`,
    },
    xattrs: fsOptions.xattrs,
    'no-propagate-usr-to-root': fsOptions['no-propagate-usr-to-root'],
  },
  examples: [
    ['diff my-image ./root', 'why the image of this directory has another id'],
    ['diff --ignore mtime --json a.cfs b.cfs', 'two image files, whatever their times'],
  ],
  exitCodes: [
    { code: '0', meaning: 'no differences' },
    { code: '1', meaning: 'there are differences, or the comparison failed' },
  ],
  run({ values, args }, context) {
    checkSubjectName(args.a, 'A');
    checkSubjectName(args.b, 'B');
    return withRepositoryIfAny<number>(values, context, async (repository) => {
      const [a, b] = await readSides(args, { values, repository, context });
      const comparison = new Comparison(a, b, values.ignore);
      await context.print({ json: () => toJson(a, b, comparison), text: () => toText(comparison) });
      return comparison.found === 0 ? 0 : 1;
    });
  },
});

function* toText(comparison: Comparison): Generator<string, void> {
  for (const difference of comparison.differences()) yield differenceLine(difference);
  for (const { text } of comparison.explanations()) yield `# ${text}`;
}

function toJson(a: Subject, b: Subject, comparison: Comparison): unknown {
  const onlyInA: MissingPath[] = [];
  const onlyInB: MissingPath[] = [];
  const differences: FieldDifference[] = [];
  for (const difference of comparison.differences()) {
    if ('field' in difference) differences.push(difference);
    else (difference.kind === 'only-in-a' ? onlyInA : onlyInB).push(difference);
  }
  return {
    a: sideJson(a),
    b: sideJson(b),
    only_in_a: mapItems(onlyInA, missingJson),
    only_in_b: mapItems(onlyInB, missingJson),
    differences: mapItems(differences, fieldJson),
    explanations: comparison.explanations(),
  };
}

function sideJson({ kind, image }: Subject): unknown {
  return { kind, ...(image !== undefined && { image_id: image.id, format: image.format, algorithm: image.algorithm }) };
}
