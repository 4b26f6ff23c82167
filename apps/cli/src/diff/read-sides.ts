import type { CommandContext, GlobalValues } from '@cfskit/cli-kit';
import type { Algorithm } from '@cfskit/fs-verity';
import { convertObjectIds } from '@cfskit/oci-import';
import { RepositoryError, type Repository } from '@cfskit/repository';
import { transformTree, type FsValues } from '../fs-options.ts';
import { readDirectory } from '../read-directory.ts';
import { algorithmOfTree, readSubject, type ImagePlace, type Subject } from '../subject.ts';
import { locateSubject } from '../subject-place.ts';

/** What the two sides are read with. */
export interface SideReading {
  readonly values: Pick<FsValues, 'xattrs' | 'no-propagate-usr-to-root'> & Pick<GlobalValues, 'hash'>;
  readonly repository: Repository | undefined;
  readonly context: CommandContext;
}

/**
 * Find and read what is to be compared. A directory beside something else is read as that was made: with its algorithm, and transformed if
 * it could be the root of a container. Where two images have different algorithms, contents that are in the repository get the ids that they
 * have under the other one.
 *
 * @throws as `locateSubject`, `readSubject` and `readDirectory`
 */
export async function readSides(
  names: { readonly a: string; readonly b: string },
  reading: SideReading,
): Promise<readonly [Subject, Subject]> {
  const { values, repository, context } = reading;
  const { cwd } = context.world;
  const [a, b] = [await locateSubject(names.a, repository, cwd), await locateSubject(names.b, repository, cwd)];
  const read = (place: ImagePlace): Promise<Subject> => readSubject(place, repository, context);
  if (a.kind === 'directory') {
    if (b.kind === 'directory') {
      const algorithm = values.hash ?? 'sha256';
      return [await readPlain(a.path, algorithm, context), await readPlain(b.path, algorithm, context)];
    }
    const other = await read(b);
    return [await readLike(other, a.path, reading), other];
  }
  const first = await read(a);
  if (b.kind === 'directory') return [first, await readLike(first, b.path, reading)];
  const second = await read(b);
  await alignAlgorithms(first, second, reading);
  return [first, second];
}

/** Read a directory as the other side was made. */
async function readLike(other: Subject, path: string, { values, context }: SideReading): Promise<Subject> {
  const algorithm = other.image?.algorithm ?? algorithmOfTree(other.root) ?? values.hash ?? 'sha512';
  const subject = await readPlain(path, algorithm, context);
  if (subject.root.get('usr')?.kind === 'directory') transformTree(subject.root, values);
  return subject;
}

async function readPlain(path: string, algorithm: Algorithm, context: CommandContext): Promise<Subject> {
  const { root } = await readDirectory(path, algorithm, context);
  return { kind: 'directory', root };
}

/** Without the objects, contents are compared by size. */
async function alignAlgorithms(a: Subject, b: Subject, { repository, context }: SideReading): Promise<void> {
  const [ofA, ofB] = [algorithmOfTree(a.root), algorithmOfTree(b.root)];
  if (repository === undefined || ofA === undefined || ofB === undefined || ofA === ofB) return;
  const [root, wanted] = ofA === repository.algorithm ? [a.root, ofB] : [b.root, ofA];
  try {
    await convertObjectIds(repository, root, wanted, { signal: context.signal });
  } catch (error) {
    if (!(error instanceof RepositoryError) || error.code !== 'NOT_FOUND') throw error;
    context.log.warn(`not all contents can be compared: ${error.message}`);
  }
}
