import { formatImageReference, parseContainersStorageName } from '@cfskit/oci-ref';
import { ContainersStorageError } from './errors.ts';
import { parseWanted } from './find-image.ts';
import { storePlaces, type StorePlace } from './locate-stores.ts';
import { Skipped } from './skipped.ts';
import { Store } from './store.ts';
import { StorageImage } from './storage-image.ts';

/** How a storage is opened. */
export interface OpenContainersStorageOptions {
  /** The environment that says where stores are; that of this process unless told. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** What relative paths start from; the working directory unless told. */
  readonly cwd?: string | undefined;
  /** Told, in a sentence, of waiting for a lock and of what cannot be done here. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

/**
 * Open an image in the storage of podman, buildah and CRI-O. To be closed when it is no longer needed. Stores that cannot be opened are passed over,
 * unless there is no other.
 *
 * @param name what follows `containers-storage:` in a reference: `[driver@root+run:options]image`, the brackets optional
 * @throws {ContainersStorageError} NO_STORE, UNSUPPORTED_DRIVER, NOT_READABLE {OciRefError} for what is no name
 */
export function openContainersStorage(name: string, options: OpenContainersStorageOptions = {}): StorageImage {
  const { env = process.env, cwd = process.cwd(), onWarning = () => undefined } = options;
  const { storeSpec, image } = parseContainersStorageName(name);
  const wanted = parseWanted(image);
  const places = storePlaces(storeSpec, { env, cwd, isRootless: isRootless(env) });
  const { stores, skipped } = openStores(places);
  const reference = formatImageReference({ transport: 'containers-storage', name });
  if (stores.length > 0) return new StorageImage({ reference, wanted, stores, skipped, onWarning });
  if (skipped !== undefined) throw skipped;
  const tried = places.map(({ root }) => root).join(', ');
  throw new ContainersStorageError('NO_STORE', reference, `Could not open any containers-storage root (${tried})`);
}

/** The stores that open, and why the first of the others did not. */
function openStores(places: readonly StorePlace[]): { stores: readonly Store[]; skipped: ContainersStorageError | undefined } {
  const stores: Store[] = [];
  const skipped = new Skipped();
  try {
    for (const place of places) {
      const store = openUnless(place, skipped);
      if (store !== undefined) stores.push(store);
    }
  } catch (error) {
    for (const store of stores) store.close();
    throw error;
  }
  return { stores, skipped: skipped.reason };
}

function openUnless(place: StorePlace, skipped: Skipped): Store | undefined {
  try {
    return Store.open(place);
  } catch (error) {
    skipped.add(error);
    return undefined;
  }
}

/** Inside the user namespace of podman everybody is root, and the variable says who it was. */
function isRootless(env: Readonly<Record<string, string | undefined>>): boolean {
  const outside = env['_CONTAINERS_ROOTLESS_UID'] ?? '';
  return process.getuid?.() !== 0 || (outside !== '' && outside !== '0');
}
