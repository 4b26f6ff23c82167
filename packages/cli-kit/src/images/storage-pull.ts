import type { ContainersStorageError } from '@cfskit/containers-storage';
import type * as storageModule from '@cfskit/containers-storage';
import type { ImportImageOptions } from '@cfskit/oci-import';
import type { ImageReference } from '@cfskit/oci-ref';
import type { Repository } from '@cfskit/repository';
import type { CommandContext } from '../context.ts';
import { pullImage, type Pull } from './pull.ts';
import type { LocalFetch } from './pull-way.ts';

/** Loaded when it is needed: most pulls do without. */
type StorageModule = typeof storageModule;

/** How files of a storage become objects. */
const FILES: Readonly<Record<LocalFetch, NonNullable<ImportImageOptions['files']>>> = {
  disabled: 'copy',
  auto: 'share',
  zerocopy: 'share-only',
};

/** A pull from the storage of containers. */
export interface StoragePull {
  readonly reference: ImageReference;
  readonly localFetch: LocalFetch;
  readonly pull: Pull;
  /** The same pull through skopeo, for what only that can read; without it, and but for `auto`, there is an error. */
  readonly throughSkopeo?: (() => Promise<void>) | undefined;
}

/**
 * Store an image from the storage of containers without skopeo, and print what became of it.
 *
 * @throws {ContainersStorageError} {OciImportError} and what `throughSkopeo` throws
 */
export async function pullFromStorage(repository: Repository, storage: StoragePull, context: CommandContext): Promise<void> {
  const { localFetch, throughSkopeo } = storage;
  const module = await import('@cfskit/containers-storage');
  try {
    await pullNatively(module, repository, storage, context);
  } catch (error) {
    const reason = storageErrorIn(error, module);
    if (localFetch !== 'auto' || throughSkopeo === undefined || reason === undefined || reason.code === 'IMAGE_NOT_FOUND') throw error;
    context.log.warn(`${reason.message}; reading the image through skopeo`);
    await throughSkopeo();
  }
}

async function pullNatively(
  { openContainersStorage }: StorageModule,
  repository: Repository,
  { reference, localFetch, pull }: StoragePull,
  context: CommandContext,
): Promise<void> {
  const { world, log } = context;
  const source = openContainersStorage(reference.name, { env: world.env, cwd: world.cwd, onWarning: (text) => log.warn(text) });
  try {
    await pullImage(repository, source, { ...pull, options: { ...pull.options, files: FILES[localFetch] } }, context);
  } finally {
    await source.close();
  }
}

/** What the storage itself has to say about a failure. */
function storageErrorIn(error: unknown, module: StorageModule): ContainersStorageError | undefined {
  if (error instanceof module.ContainersStorageError) return error;
  return error instanceof Error ? storageErrorIn(error.cause, module) : undefined;
}
