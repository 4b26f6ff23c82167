import { defineCommand, type Command, type CommandContext, type GlobalValues } from '@cfskit/cli-kit';
import { withRepositoryIfAny } from '@cfskit/cli-kit/images';
import { COMPARED_FIELDS } from '@cfskit/fs-tree';
import type { Algorithm } from '@cfskit/fs-verity';
import type { Repository } from '@cfskit/repository';
import { Comparison } from '../diff/comparison.ts';
import { differenceLine, fieldJson, missingJson } from '../diff/difference-text.ts';
import { IMAGE_FIELDS } from '../diff/image-facts.ts';
import { fsOptions, transformTree, type FsValues } from '../fs-options.ts';
import { readDirectory } from '../read-directory.ts';
import { algorithmOfTree, readSubject, type ImagePlace, type Subject } from '../subject.ts';
import { locateSubject, type SubjectPlace } from '../subject-place.ts';

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
  run: ({ values, args }, context) =>
    withRepositoryIfAny<number>(values, context, async (repository) => {
      const places = await locateBoth(args, repository, context);
      const [a, b] = await readBoth(places, { values, repository, context });
      const comparison = new Comparison(a, b, values.ignore);
      await context.print({ json: () => toJson(a, b, comparison), text: () => toText(comparison) });
      return comparison.found === 0 ? 0 : 1;
    }),
});

async function locateBoth(
  args: { readonly a: string; readonly b: string },
  repository: Repository | undefined,
  { world }: CommandContext,
): Promise<readonly [SubjectPlace, SubjectPlace]> {
  return [await locateSubject(args.a, repository, world.cwd), await locateSubject(args.b, repository, world.cwd)];
}

interface Reading {
  readonly values: FsValues & GlobalValues;
  readonly repository: Repository | undefined;
  readonly context: CommandContext;
}

/** Directories come last: the other side says which algorithm their files are hashed with. */
async function readBoth([a, b]: readonly [SubjectPlace, SubjectPlace], reading: Reading): Promise<readonly [Subject, Subject]> {
  const { values, repository, context } = reading;
  const read = (place: ImagePlace): Promise<Subject> => readSubject(place, repository, context);
  if (a.kind === 'directory' && b.kind === 'directory') {
    const algorithm = values.hash ?? 'sha256';
    return [await readSide(a.path, algorithm, context), await readSide(b.path, algorithm, context)];
  }
  if (a.kind === 'directory') {
    const other = await read(b as ImagePlace);
    return [await readLike(other, a.path, reading), other];
  }
  const first = await read(a);
  return [first, b.kind === 'directory' ? await readLike(first, b.path, reading) : await read(b)];
}

/** Read a directory as the other side was made. */
async function readLike(other: Subject, path: string, { values, context }: Reading): Promise<Subject> {
  const algorithm = other.image?.algorithm ?? algorithmOfTree(other.root) ?? values.hash ?? 'sha512';
  const subject = await readSide(path, algorithm, context);
  if (subject.root.get('usr')?.kind === 'directory') transformTree(subject.root, values);
  return subject;
}

async function readSide(path: string, algorithm: Algorithm, context: CommandContext): Promise<Subject> {
  const { root } = await readDirectory(path, algorithm, context);
  return { kind: 'directory', root };
}

function* toText(comparison: Comparison): Generator<string, void> {
  for (const difference of comparison.differences()) yield differenceLine(difference);
  for (const { text } of comparison.explanations()) yield `# ${text}`;
}

function toJson(a: Subject, b: Subject, comparison: Comparison): unknown {
  const onlyInA: unknown[] = [];
  const onlyInB: unknown[] = [];
  const differences: unknown[] = [];
  for (const difference of comparison.differences()) {
    if ('field' in difference) differences.push(fieldJson(difference));
    else (difference.kind === 'only-in-a' ? onlyInA : onlyInB).push(missingJson(difference));
  }
  return {
    a: sideJson(a),
    b: sideJson(b),
    only_in_a: onlyInA,
    only_in_b: onlyInB,
    differences,
    explanations: comparison.explanations(),
  };
}

function sideJson({ kind, image }: Subject): unknown {
  return { kind, ...(image !== undefined && { image_id: image.id, format: image.format, algorithm: image.algorithm }) };
}
