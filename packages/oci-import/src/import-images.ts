import { ErofsError, openImage } from '@cfskit/erofs';
import type { Directory } from '@cfskit/fs-tree';
import type { ObjectId } from '@cfskit/fs-verity';
import { formatsToMake, RepositoryError } from '@cfskit/repository';
import type { ErofsFormat, Repository } from '@cfskit/repository';
import { idOfImage, storeImages } from './build-images.ts';
import { buildTree } from './build-tree.ts';
import { OciImportError } from './errors.ts';
import { describeImage, inStep, placeOf } from './image-job.ts';
import type { ImageJob } from './image-job.ts';
import { imageRefs, linkedImage, refsToImages } from './image-refs.ts';
import type { NamedRef } from './image-refs.ts';
import { hasRefs } from './image-streams.ts';
import type { LoadedConfig } from './import-config.ts';

/** The EROFS images of an image, and how its config refers to them. */
export interface ProvidedImages {
  readonly imageId: ObjectId;
  readonly refs: readonly NamedRef[];
}

/** Whether an import has EROFS images to see to. Artifacts have no file system. */
export function needsImages({ options }: ImageJob, { container }: Pick<LoadedConfig, 'container'>): boolean {
  return container !== undefined && options.image !== false;
}

/**
 * Builds the EROFS images, or finds them linked and sound. What is linked stays as it is unless formats or extended attributes were asked for,
 * or another id: a reference does not say how its image was made.
 *
 * @param layers in the order of the config
 * @returns undefined where there are none to be
 * @throws {OciImportError} IMAGE_FAILED, UNEXPECTED_IMAGE. The signal's reason
 */
export async function provideImages(job: ImageJob, config: LoadedConfig, layers: readonly NamedRef[]): Promise<ProvidedImages | undefined> {
  if (!needsImages(job, config)) return undefined;
  const formats = job.options.erofsFormats ?? formatsToMake(job.repository.metadata);
  const linked = findLinked(job, config, layers, formats);
  if (linked !== undefined) {
    job.reporter.report({ type: 'skipped', id: 'image' });
    return linked;
  }
  job.reporter.report({ type: 'started', id: 'image', total: layers.length, unit: 'items' });
  const built = await build(job, layers, formats);
  job.reporter.report({ type: 'done', id: 'image', transferred: layers.length });
  return { imageId: built[0]!.id, refs: refsToImages(built, config.stored?.namedRefs ?? new Map()) };
}

function findLinked(
  { repository, options }: ImageJob,
  { stored }: LoadedConfig,
  layers: readonly NamedRef[],
  formats: readonly ErofsFormat[],
): ProvidedImages | undefined {
  const { erofsFormats, xattrs, expectImage } = options;
  if (stored === undefined || erofsFormats !== undefined || xattrs !== undefined || !hasRefs(stored, layers)) return undefined;
  const ids = formats.map((format) => linkedImage(stored.namedRefs, format));
  if (expectImage !== undefined && ids[0] !== expectImage) return undefined;
  const sound = formats.every((format, index) => ids[index] !== undefined && isSound(repository, ids[index], format));
  return sound ? { imageId: ids[0]!, refs: imageRefs(stored.namedRefs) } : undefined;
}

/** Whether an image is there, under its name, with the content that its id says, and of the format. */
function isSound(repository: Repository, id: ObjectId, format: ErofsFormat): boolean {
  try {
    return openImage(repository.readImage(id).bytes).version === format;
  } catch (error) {
    if (error instanceof RepositoryError || error instanceof ErofsError) return false;
    throw error;
  }
}

async function build(job: ImageJob, layers: readonly NamedRef[], formats: readonly ErofsFormat[]): ReturnType<typeof storeImages> {
  const { repository, options, reporter } = job;
  const { xattrs, signal } = options;
  const total = layers.length;
  const root = await step(job, () =>
    buildTree(repository, layers, {
      ...(xattrs !== undefined && { xattrs }),
      ...(signal !== undefined && { signal }),
      onLayer: (fetched) => reporter.report({ type: 'progress', id: 'image', fetched, total }),
    }),
  );
  if (options.expectImage !== undefined) await compare(job, root, formats[0]!, options.expectImage);
  return step(job, () => storeImages(repository, root, formats));
}

/** Before anything is stored. */
async function compare(job: ImageJob, root: Directory, format: ErofsFormat, expected: ObjectId): Promise<void> {
  // oxlint-disable-next-line typescript/require-await -- steps are asynchronous
  const actual = await step(job, async () => idOfImage(root, format, job.repository.algorithm));
  if (actual === expected) return;
  const message = `expected EROFS image ${expected}, but ${describeImage(job)} gives ${actual}`;
  throw new OciImportError('UNEXPECTED_IMAGE', message, { ...placeOf(job), expected, actual });
}

function step<T>(job: ImageJob, work: () => Promise<T>): Promise<T> {
  return inStep(job, 'IMAGE_FAILED', 'Failed to build the EROFS image', job.manifestDigest, work);
}
