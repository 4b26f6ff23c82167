import { defineCommand, type Command } from '@cfskit/cli-kit';
import { withRepository } from '@cfskit/cli-kit/images';
import { openImage, readTree } from '@cfskit/erofs';
import { dumpLines, escapeBytes, joinPath, lookup, objectOf, splitPath, type ByteString, type Directory, type Node } from '@cfskit/fs-tree';
import { objectPath, type ObjectId } from '@cfskit/fs-verity';
import { findImageName, IMAGE_NAME_TEXT, parseImageName } from '../image-name.ts';
import { imagePath, pathBytes } from '../image-path.ts';
import { nameJson } from '../listed-entry.ts';
import { mapItems } from '../map-items.ts';

export const dumpFiles: Command = defineCommand({
  summary: 'Print what an image says about files: dump lines, or the objects behind them',
  details: 'A directory lists its own entries. Symbolic links are not followed.',
  arguments: {
    image: { name: 'IMAGE', description: IMAGE_NAME_TEXT },
    paths: { name: 'PATH', description: 'Path in the image', variadic: true },
  },
  options: {
    'backing-path-only': { type: 'boolean', description: 'Print PATH and inline, or PATH and the path of its object below objects' },
  },
  examples: [
    ['dump-files refs/my-image /usr/bin', 'the directory and its entries'],
    ['dump-files --backing-path-only refs/my-image /usr/bin/env', 'where the content is'],
  ],
  run({ values, args }, context) {
    const name = parseImageName(args.image, 'IMAGE');
    const paths = args.paths.map(imagePath);
    return withRepository(values, context, async (repository) => {
      const { bytes } = repository.readImage(findImageName(repository, name));
      const root = readTree(openImage(bytes), { algorithm: repository.algorithm });
      const files: BackedFile[] = [];
      for (const path of paths) files.push(...filesOf(joinPath(splitPath(path)), lookup(root, path)));
      await context.print({
        json: () => ({ files: mapItems(files, fileJson) }),
        text: () => (values['backing-path-only'] ? mapItems(files, backingLine) : dumpParts(root, paths)),
      });
    });
  },
});

interface BackedFile {
  readonly path: ByteString;
  readonly object: ObjectId | undefined;
}

/** Directories have no content of their own. */
function* filesOf(path: ByteString, node: Node): Generator<BackedFile, void> {
  if (node.kind !== 'directory') {
    yield { path, object: node.kind === 'file' ? objectOf(node.content) : undefined };
    return;
  }
  const prefix = path === '/' ? path : `${path}/`;
  for (const [name, entry] of node.entries()) if (entry.kind !== 'directory') yield* filesOf(prefix + name, entry);
}

function backingLine({ path, object }: BackedFile): string {
  return `${escapeBytes(path)} ${object === undefined ? 'inline' : objectPath(object)}`;
}

function fileJson({ path, object }: BackedFile): unknown {
  return { ...nameJson(pathBytes(path), 'path', 'bytes'), inline: object === undefined, ...(object !== undefined && { object }) };
}

function* dumpParts(root: Directory, paths: readonly ByteString[]): Generator<string, void> {
  for (const path of paths) yield* dumpLines(root, { path, shallow: true });
}
