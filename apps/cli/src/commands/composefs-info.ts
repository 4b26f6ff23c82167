import { createReadStream, existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fromLatin1 } from '@cfskit/binary';
import { batchLines, CliError, defineCommand, UsageError, type Command, type CommandContext } from '@cfskit/cli-kit';
import { dumpImage, openImage, readTree, type ErofsImage } from '@cfskit/erofs';
import { escapeBytes, walkTree, type ByteString, type FileContent, type Node } from '@cfskit/fs-tree';
import { fsVerityDigestOf, objectPath } from '@cfskit/fs-verity';
import { imagePath } from '../image-path.ts';

interface Values {
  readonly basedir: string | undefined;
  readonly filter: readonly string[];
}

export const composefsInfo: Command = defineCommand({
  summary: 'Tell about composefs images, as the program of this name does',
  details:
    'COMMAND is ls (files, with their objects and targets), dump (a dumpfile), objects (the objects that files are in), missing-objects (those that are not below --basedir), or measure-file (the fs-verity digest of any files).',
  arguments: {
    command: { name: 'COMMAND', description: 'One of ls, dump, objects, missing-objects, measure-file' },
    images: { name: 'IMAGE', description: 'Image file; any file for measure-file', variadic: true },
  },
  options: {
    basedir: { type: 'string', value: 'DIR', description: 'Directory of the objects, for missing-objects' },
    filter: {
      type: 'string',
      value: 'NAME',
      multiple: true,
      description: 'Only this entry of the root and what is below it; may be repeated',
    },
  },
  examples: [
    ['composefs-info dump image.cfs', 'what mkcomposefs --from-file takes'],
    ['composefs-info missing-objects --basedir=objects image.cfs', 'what is not there yet'],
  ],
  json: false,
  async run({ values, args: { command, images } }, context) {
    if (values.filter.some((name) => name.includes('/'))) throw new UsageError('--filter: wanted a single name');
    const run = COMMANDS.get(command);
    if (run === undefined) throw new UsageError(`unknown command '${command}'; wanted ${[...COMMANDS.keys()].join(', ')}`);
    const paths = images.map((path) => resolve(context.world.cwd, path));
    await context.printRaw(batchLines(run(paths, values, context)));
  },
});

type InfoCommand = (paths: readonly string[], values: Values, context: CommandContext) => AsyncGenerator<string, void>;

const COMMANDS: ReadonlyMap<string, InfoCommand> = new Map([
  ['ls', listFiles],
  ['dump', dump],
  ['objects', listObjects],
  ['missing-objects', listMissing],
  ['measure-file', measure],
]);

async function* dump(paths: readonly string[], { filter }: Values): AsyncGenerator<string, void> {
  const names = filter.length === 0 ? undefined : filter.map(imagePath);
  for (const path of paths) yield* dumpImage(await open(path), names === undefined ? {} : { filter: names });
}

async function* listFiles(paths: readonly string[], values: Values): AsyncGenerator<string, void> {
  for (const path of paths) {
    for (const { path: name, node } of visits(await open(path), values)) yield escapeName(name) + fileSuffix(node);
  }
}

function fileSuffix(node: Node): string {
  if (node.kind === 'directory') return '/\t';
  if (node.kind === 'symlink') return `\t-> ${escapeBytes(node.target)}`;
  const payload = node.kind === 'file' ? payloadOf(node.content) : undefined;
  return payload === undefined ? '' : `\t@ ${escapeBytes(payload)}`;
}

async function* listObjects(paths: readonly string[], values: Values): AsyncGenerator<string, void> {
  for (const payload of await payloads(paths, values)) yield latin1Text(payload);
}

async function* listMissing(paths: readonly string[], values: Values, { world }: CommandContext): AsyncGenerator<string, void> {
  const basedir = values.basedir === undefined ? undefined : resolve(world.cwd, values.basedir);
  if (basedir !== undefined && !(await stat(basedir)).isDirectory()) throw new CliError('UNSUPPORTED', `${basedir} is no directory`);
  for (const payload of await payloads(paths, values)) {
    if (basedir === undefined || !existsSync(Buffer.concat([Buffer.from(`${basedir}/`), fromLatin1(payload)]))) yield latin1Text(payload);
  }
}

async function* measure(paths: readonly string[], _: Values, { signal }: CommandContext): AsyncGenerator<string, void> {
  for (const path of paths) yield await fsVerityDigestOf(createReadStream(path, { highWaterMark: READ_SIZE, signal }), 'sha256');
}

/** The backing files of all images, each once, in byte order. */
async function payloads(paths: readonly string[], values: Values): Promise<readonly ByteString[]> {
  const found = new Set<ByteString>();
  for (const path of paths) {
    for (const { node } of visits(await open(path), values)) {
      const payload = node.kind === 'file' ? payloadOf(node.content) : undefined;
      if (payload !== undefined) found.add(payload);
    }
  }
  return [...found].toSorted();
}

/** Everything but the root. */
function* visits(image: ErofsImage, { filter }: Values): Generator<{ path: ByteString; node: Node }, void> {
  const names = new Set(filter.map(imagePath));
  let included = true;
  for (const { path, node, depth } of walkTree(readTree(image, { profile: 'c' }))) {
    if (depth === 1) included = names.size === 0 || names.has(path.slice(1));
    if (depth > 0 && included) yield { path, node };
  }
}

/** The path of the backing file as the image has it, less one slash. */
function payloadOf(content: FileContent): ByteString | undefined {
  if (content.kind === 'external') return content.payload === '' ? undefined : (content.payload ?? objectPath(content.objectId));
  return content.kind === 'external-no-verity' ? content.payload : undefined;
}

/** Blanks in names stay what they are, here and nowhere else. */
function escapeName(path: ByteString): string {
  return path.split(' ').map(escapeBytes).join(' ');
}

/** Paths of objects are printed as they are. */
function latin1Text(payload: ByteString): string {
  return Buffer.from(payload, 'latin1').toString();
}

const READ_SIZE = 1024 * 1024;

async function open(path: string): Promise<ErofsImage> {
  return openImage(await readFile(path));
}
