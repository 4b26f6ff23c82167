import { resolve } from 'node:path';
import { CliError, type CommandContext } from '@cfskit/cli-kit';
import { objectOf, type FileContent } from '@cfskit/fs-tree';
import { algorithmOf, type ObjectId } from '@cfskit/fs-verity';
import { LocalObjectStore, type Repository } from '@cfskit/repository';

/** The option that says where the objects of an image are, if not in the repository. */
export const basedirOption = {
  basedir: {
    type: 'string',
    value: 'DIR',
    description: 'Directory of the objects, such as mkcomposefs --digest-store makes',
    defaultText: "the repository's",
  },
} as const;

/** Reads the contents of files: the bytes that are in the tree, or objects, each checked against its id while it is read. */
export class ContentReader {
  readonly #repository: Repository | undefined;
  readonly #basedir: string | undefined;
  readonly #signal: AbortSignal;

  constructor(repository: Repository | undefined, basedir: string | undefined, { world, signal }: CommandContext) {
    this.#repository = repository;
    this.#basedir = basedir === undefined ? undefined : resolve(world.cwd, basedir);
    this.#signal = signal;
  }

  /**
   * The content of a file, in pieces that belong to the caller.
   *
   * @param path for messages
   * @throws {CliError} UNSUPPORTED if nothing says what the content is, or there is no place to look for it; MISMATCH after the last piece
   *   if it has another size than the image says. {RepositoryError} NOT_FOUND; CORRUPT_OBJECT after the last piece
   */
  async *read(content: FileContent, path: string): AsyncGenerator<Uint8Array, void> {
    if (content.kind === 'inline') {
      yield content.bytes;
      return;
    }
    const id = objectOf(content);
    if (id === undefined) throw new CliError('UNSUPPORTED', `${path}: the image does not say which object is its content`);
    let size = 0;
    for await (const piece of this.#store(id, path).open(id, { verify: true, signal: this.#signal })) {
      size += piece.byteLength;
      yield piece;
    }
    if (size === content.size) return;
    const detail = { wanted: content.size, found: size };
    throw new CliError('MISMATCH', `${path}: its object has another size than the image says`, { detail });
  }

  #store(id: ObjectId, path: string): LocalObjectStore {
    const algorithm = algorithmOf(id);
    if (this.#basedir !== undefined) {
      return new LocalObjectStore({ path: this.#basedir, directory: this.#basedir, algorithm, secure: false });
    }
    const objects = this.#repository?.objects;
    if (objects?.algorithm === algorithm) return objects;
    const why = objects === undefined ? 'there is no repository' : `the objects of the repository are named by ${objects.algorithm}`;
    throw new CliError(
      'UNSUPPORTED',
      `${path}: its content is an object named by ${algorithm}, and ${why}; --basedir names their directory`,
    );
  }
}
