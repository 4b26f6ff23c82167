import { closeSync, constants, mkdtempSync, openSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasCode } from './errors.ts';
import { fsconfig, fsmount, fsopen, readFsMessages, type FsParameter, type MountAttributes } from './filesystem-context.ts';
import { attachLoop } from './loop-device.ts';
import { moveMount, umount } from './mount.ts';
import { closeDescriptor, O_PATH } from './open-at.ts';

/** A mount that is attached nowhere yet. */
export interface DetachedMount {
  /** Descriptor of its root, for `moveMount`. Close it with `closeDescriptor`; the mount vanishes with it unless it has been attached. */
  readonly fd: number;
  /** What the kernel had to say while it was made. */
  readonly messages: readonly string[];
}

/** Options of {@link mountErofs}. */
export interface MountErofsOptions extends MountAttributes {
  /** `when-needed`, the default, for kernels before 6.12, which mount no plain files; or `always`. */
  readonly loop?: 'when-needed' | 'always' | undefined;
}

/**
 * Mount an EROFS image, read-only.
 *
 * @param image open for reading
 * @throws {LinuxError} the errno, with the kernel's messages: EPERM, ENODEV without EROFS, EINVAL or EFSCORRUPTED for what is no image;
 *   UNSUPPORTED without koffi
 */
export function mountErofs(image: number, { loop = 'when-needed', ...attributes }: MountErofsOptions = {}): DetachedMount {
  if (loop === 'always') return mountErofsByLoop(image, attributes);
  try {
    return mountErofsFrom(`/proc/self/fd/${image}`, attributes);
  } catch (error) {
    if (!hasCode(error, 'ENOTBLK')) throw error;
    return mountErofsByLoop(image, attributes);
  }
}

/** The layers of a composefs mount, from the EROFS image upwards, and how it is to be checked. */
export interface ComposefsMount {
  /** Shown in the mount table. */
  readonly source: string;
  /** Mount with the metadata, of {@link mountErofs}. */
  readonly erofs: number;
  /** Directory of the objects, or several, which are searched in this order; O_PATH is enough. */
  readonly objects: number | readonly number[];
  /**
   * Whether every object must have the fs-verity digest that the image names: the kernel opens no other then. `try` does without on kernels
   * before 6.6.
   */
  readonly verity: 'require' | 'try' | 'off';
  /** For a mount that can be written to: where changes go, and an empty directory of the same file system. */
  readonly upper?: { readonly upper: number; readonly work: number } | undefined;
  /** Of the mount; without an upper layer it is read-only in any case. */
  readonly attributes?: MountAttributes | undefined;
}

/** What {@link mountComposefs} made. */
export interface ComposefsMounted extends DetachedMount {
  /** Whether the kernel checks fs-verity digests. */
  readonly verity: boolean;
}

/**
 * Mount an EROFS image and the objects it names as one overlay: `metacopy=on,redirect_dir=on`, the objects as a data-only layer.
 *
 * Layers are handed over as descriptors (Linux 6.13 and later); for kernels that take none, as paths, and a detached EROFS mount is then attached
 * to a temporary directory for that moment.
 *
 * @throws {LinuxError} the errno, with the kernel's messages; UNSUPPORTED without koffi. Nothing stays attached.
 */
export function mountComposefs(mount: ComposefsMount): ComposefsMounted {
  if (mount.verity !== 'try') return mountLayers(mount, mount.verity === 'require');
  try {
    return mountLayers(mount, true);
  } catch (error) {
    if (!hasCode(error, 'EINVAL', 'ENOSYS')) throw error;
    return mountLayers(mount, false);
  }
}

function mountErofsFrom(source: string, attributes: MountAttributes): DetachedMount {
  return createMount(
    'erofs',
    [
      { set: 'flag', key: 'ro' },
      { set: 'string', key: 'source', value: source },
    ],
    attributes,
  );
}

function mountErofsByLoop(image: number, attributes: MountAttributes): DetachedMount {
  const device = attachLoop(image);
  try {
    return mountErofsFrom(device.path, attributes);
  } finally {
    closeSync(device.fd);
  }
}

function mountLayers(mount: ComposefsMount, verity: boolean): ComposefsMounted {
  try {
    return { ...mountOverlay(mount, verity, layersByDescriptor(mount)), verity };
  } catch (error) {
    // ENOTSUP, EBADF: descriptors are not taken. EINVAL: not of a detached mount; or another reason, which the second attempt will find, too.
    if (!hasCode(error, 'ENOTSUP', 'EBADF', 'EINVAL')) throw error;
    return { ...withAttached(mount.erofs, (erofs) => mountOverlay(mount, verity, layersByPath(mount, erofs))), verity };
  }
}

function mountOverlay(mount: ComposefsMount, verity: boolean, layers: readonly FsParameter[]): DetachedMount {
  const parameters: FsParameter[] = [
    { set: 'string', key: 'source', value: mount.source },
    { set: 'string', key: 'metacopy', value: 'on' },
    { set: 'string', key: 'redirect_dir', value: 'on' },
    ...(verity ? [{ set: 'string', key: 'verity', value: 'require' } as const] : []),
    ...layers,
  ];
  return createMount('overlay', parameters, mount.upper === undefined ? { ...mount.attributes, readOnly: true } : (mount.attributes ?? {}));
}

function layersByDescriptor({ erofs, objects, upper }: ComposefsMount): FsParameter[] {
  const writable: [string, number][] =
    upper === undefined
      ? []
      : [
          ['upperdir', upper.upper],
          ['workdir', upper.work],
        ];
  const data = [objects].flat().map((fd): [string, number] => ['datadir+', fd]);
  const layers: [string, number][] = [...writable, ['lowerdir+', erofs], ...data];
  return layers.map(([key, value]) => ({ set: 'descriptor', key, value }));
}

function layersByPath({ objects, upper }: ComposefsMount, erofs: number): FsParameter[] {
  const writable: [string, string][] =
    upper === undefined
      ? []
      : [
          ['upperdir', pathOf(upper.upper)],
          ['workdir', pathOf(upper.work)],
        ];
  const layers: [string, string][] = [...writable, ['lowerdir', [erofs, ...[objects].flat()].map(pathOf).join('::')]];
  return layers.map(([key, value]) => ({ set: 'string', key, value }));
}

function pathOf(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

/** Older kernels take layers only from mounts that are attached somewhere, and a descriptor that was opened there. */
function withAttached<T>(mount: number, use: (attached: number) => T): T {
  const directory = mkdtempSync(join(tmpdir(), '.composefs.'));
  try {
    moveMount(mount, directory);
    try {
      const fd = openSync(directory, O_PATH | constants.O_DIRECTORY);
      try {
        return use(fd);
      } finally {
        closeSync(fd);
      }
    } finally {
      umount(directory, { detach: true });
    }
  } finally {
    rmdirSync(directory);
  }
}

function createMount(type: string, parameters: readonly FsParameter[], attributes: MountAttributes): DetachedMount {
  const context = fsopen(type);
  try {
    for (const parameter of parameters) fsconfig(context, parameter);
    fsconfig(context, { command: 'create' });
    const fd = fsmount(context, attributes);
    return { fd, messages: readFsMessages(context) };
  } finally {
    closeDescriptor(context);
  }
}
