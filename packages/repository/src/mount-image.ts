import type { ObjectId } from '@cfskit/fs-verity';
import { closeDescriptor, mountComposefs, mountErofs, moveMount, O_PATH, type ComposefsMount } from '@cfskit/linux';
import { closeSync, constants, openSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { RepositoryContext } from './context.ts';
import { openImageFile } from './images.ts';

/** Options of {@link Repository.mountImage}. */
export interface MountImageOptions {
  /** Where changes go, and an empty directory of the same file system for the kernel to work in. */
  readonly upper?: { readonly upperdir: string; readonly workdir: string } | undefined;
  /** Whether the mount can be written to. Only with `upper`; without this, what is in it is shown, and nothing can be changed. */
  readonly readWrite?: boolean | undefined;
  /** Say what would be done, and do nothing. */
  readonly dryRun?: boolean | undefined;
}

/** One system call of a mount, for people. */
export interface MountStep {
  readonly call: 'fsopen' | 'fsconfig' | 'fsmount' | 'move_mount';
  /** A file system, a parameter with its value, attributes, or a path. */
  readonly argument: string;
}

/** What has been mounted, or would be. */
export interface MountedImage {
  readonly id: ObjectId;
  /** The directory, with all symbolic links resolved. */
  readonly mountpoint: string;
  /** Whether the kernel opens only objects that have the fs-verity digest that the image names: in a secure repository. */
  readonly verity: boolean;
  readonly steps: readonly MountStep[];
  /** What the kernel had to say. */
  readonly messages: readonly string[];
}

/**
 * Mount an image over a directory: the image as EROFS, its files from `objects` by overlayfs, fs-verity demanded if the repository is secure.
 *
 * The image has been checked against its id, by the kernel or by hashing it, and it is the very file that was checked that is mounted.
 *
 * @throws {RepositoryError} as openImage; {LinuxError} EPERM and others of the kernel, with its messages. Node's own errors for directories.
 */
export function mountImage(context: RepositoryContext, name: string, target: string, options: MountImageOptions): MountedImage {
  const image = openImageFile(context, name);
  try {
    const mountpoint = realpathSync.native(target);
    const plan = {
      id: image.id,
      mountpoint,
      verity: context.secure,
      steps: stepsOf(context, { ...options, name, id: image.id, mountpoint }),
    };
    const messages = options.dryRun === true ? [] : mountFile(context, image.fd, { ...options, name, mountpoint });
    return { ...plan, messages };
  } finally {
    closeSync(image.fd);
  }
}

interface MountPlace extends MountImageOptions {
  readonly name: string;
  readonly mountpoint: string;
}

function mountFile(context: RepositoryContext, image: number, place: MountPlace): readonly string[] {
  const closing: number[] = [];
  const opened = (path: string): number => {
    const fd = openSync(path, O_PATH | constants.O_DIRECTORY);
    closing.push(fd);
    return fd;
  };
  try {
    const { upper, readWrite = false } = place;
    const objects = opened(objectsOf(context));
    const writable = upper && { upper: opened(upper.upperdir), work: opened(upper.workdir) };
    const erofs = mountErofs(image);
    closing.push(erofs.fd);
    const mount: ComposefsMount = {
      source: sourceOf(place.name),
      erofs: erofs.fd,
      objects,
      verity: context.secure ? 'require' : 'off',
      upper: writable,
      attributes: { readOnly: !readWrite },
    };
    const overlay = mountComposefs(mount);
    closing.push(overlay.fd);
    moveMount(overlay.fd, place.mountpoint);
    return [...erofs.messages, ...overlay.messages];
  } finally {
    for (const fd of closing) closeDescriptor(fd);
  }
}

function stepsOf(context: RepositoryContext, place: MountPlace & { readonly id: ObjectId }): MountStep[] {
  const { upper, readWrite = false } = place;
  const layers = [
    ...(upper === undefined ? [] : [`upperdir=${resolve(upper.upperdir)}`, `workdir=${resolve(upper.workdir)}`]),
    'lowerdir+=(the erofs mount)',
    `datadir+=${objectsOf(context)}`,
  ];
  const overlay = [`source=${sourceOf(place.name)}`, 'metacopy=on', 'redirect_dir=on', ...(context.secure ? ['verity=require'] : [])];
  return [
    { call: 'fsopen', argument: 'erofs' },
    ...configured('ro', `source=${context.objects.pathOf(place.id)}`, 'create'),
    { call: 'fsmount', argument: '' },
    { call: 'fsopen', argument: 'overlay' },
    ...configured(...overlay, ...layers, 'create'),
    { call: 'fsmount', argument: readWrite ? '' : 'ro' },
    { call: 'move_mount', argument: place.mountpoint },
  ];
}

function configured(...parameters: readonly string[]): MountStep[] {
  return parameters.map((argument) => ({ call: 'fsconfig', argument }));
}

/** Shown in the mount table: it tells mounts of images from others. */
function sourceOf(name: string): string {
  return `composefs:${name}`;
}

function objectsOf({ path }: RepositoryContext): string {
  return join(path, 'objects');
}
