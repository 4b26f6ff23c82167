import { CliError, defineCommand, type Command, type CommandContext } from '@cfskit/cli-kit';
import { readValue, withWritableRepository } from '@cfskit/cli-kit/images';
import { concatBytes } from '@cfskit/binary';
import { ErofsError, readObjectIds } from '@cfskit/erofs';
import { formatObjectId, type Algorithm, type ObjectId } from '@cfskit/fs-verity';
import { checkRefName, type Repository } from '@cfskit/repository';
import { inputData, inputOption } from '../input-data.ts';

const MAX_SIZE = 2 ** 30;

export const importImage: Command = defineCommand({
  summary: 'Store an EROFS image that was made elsewhere',
  details:
    'Reads standard input, or FILE. The image is parsed and checked first, as whole as a kernel would see it: nothing is stored of one that is not sound, or whose digests are of another algorithm than the repository. Its objects are not part of it; a warning says how many are not there.',
  arguments: { name: { name: 'NAME', description: 'Name of the image below images/refs' } },
  options: { ...inputOption, unchecked: { type: 'boolean', description: 'Store it without a look; gc and mounts may fail on it' } },
  examples: [
    ['import-image my-image < image.cfs', 'kept as refs/my-image'],
    ['import-image -i image.cfs my-image', 'from a file'],
  ],
  run({ values, args: { name } }, context) {
    readValue('NAME', () => checkRefName(name));
    const input = inputData(values.input, 'an image', context);
    return withWritableRepository(values, context, async (repository) => {
      const image = await readWhole(input);
      if (!values.unchecked) checkImage(image, values.input, repository, context);
      const id = await repository.writeImage(image, { ref: name });
      await context.print({ json: () => ({ image_id: id, name }), text: () => [formatObjectId(id)] });
    });
  },
});

async function readWhole(input: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of input) {
    size += chunk.byteLength;
    if (size > MAX_SIZE) throw new ErofsError('TOO_LARGE', `image of more than ${MAX_SIZE} bytes`);
    chunks.push(chunk);
  }
  return concatBytes(chunks);
}

/** @throws {CliError} UNSUPPORTED, caused by an {ErofsError} */
function checkImage(image: Uint8Array, input = '-', { algorithm, objects }: Repository, { log }: CommandContext): void {
  const ids = objectsOf(image, algorithm, input === '-' ? 'standard input' : input);
  const missing = [...ids].filter((id) => !objects.hasSync(id)).length;
  if (missing > 0) log.warn(`${missing} of the ${ids.size} objects of this image are not in the repository`);
}

function objectsOf(image: Uint8Array, algorithm: Algorithm, source: string): ReadonlySet<ObjectId> {
  try {
    return readObjectIds(image, algorithm, { maxSize: MAX_SIZE });
  } catch (cause) {
    if (!(cause instanceof ErofsError)) throw cause;
    throw new CliError('UNSUPPORTED', `${source} is no image that can be imported`, { cause });
  }
}
