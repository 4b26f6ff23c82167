import { endianness } from 'node:os';
import { attributeBits, type MountAttributes } from './filesystem-context.ts';
import { call, check, libcFunction, required, systemCall, valueOf } from './libc.ts';
import { displayed, nativePath, type PathLike } from './names.ts';

/**
 * Attach a mount at `target` (move_mount(2), Linux 5.2). What is there is covered, not removed.
 *
 * @param mount of `fsmount` or {@link openTree}
 * @param target an existing path; symbolic links in it are followed
 * @throws {LinuxError} the errno; UNSUPPORTED without koffi
 */
export function moveMount(mount: number, target: PathLike): void {
  const native = required('move_mount', nativeMoveMount());
  const result = call(native, mount, EMPTY, AT_FDCWD, nativePath(target), MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS);
  check('move_mount', result, displayed(target));
}

/** Options of {@link openTree}. */
export interface OpenTreeOptions {
  /** A new mount of the same files, attached nowhere, in place of a descriptor of the one that is there. */
  readonly clone?: boolean | undefined;
  /** With `clone`: all mounts below it as well. */
  readonly recursive?: boolean | undefined;
}

/**
 * A descriptor of the mount at `path`, or of a copy of it (open_tree(2), Linux 5.2).
 *
 * @returns a descriptor; close it with `closeDescriptor`
 * @throws {LinuxError} the errno; UNSUPPORTED without koffi
 */
export function openTree(path: PathLike, { clone = false, recursive = false }: OpenTreeOptions = {}): number {
  const flags = OPEN_TREE_CLOEXEC | (clone ? OPEN_TREE_CLONE : 0) | (recursive ? AT_RECURSIVE : 0);
  return valueOf('open_tree', call(required('open_tree', nativeOpenTree()), AT_FDCWD, nativePath(path), flags), displayed(path));
}

/** What {@link mountSetattr} changes. */
export interface MountChange {
  readonly set?: MountAttributes | undefined;
  readonly clear?: MountAttributes | undefined;
  /** Who sees what is mounted below it later. */
  readonly propagation?: 'private' | 'shared' | 'slave' | 'unbindable' | undefined;
  /** Show owners as this user namespace maps them; a descriptor of `/proc/<pid>/ns/user`. Only for a mount that is attached nowhere. */
  readonly userNamespace?: number | undefined;
  /** All mounts below it as well. */
  readonly recursive?: boolean | undefined;
}

/**
 * Change the attributes of a mount (mount_setattr(2), Linux 5.12).
 *
 * @param mount a descriptor of the mount's root
 * @throws {LinuxError} the errno; UNSUPPORTED without koffi
 */
export function mountSetattr(mount: number, change: MountChange): void {
  const native = required('mount_setattr', nativeMountSetattr());
  const flags = AT_EMPTY_PATH | (change.recursive === true ? AT_RECURSIVE : 0);
  const argument = mountAttr(change);
  check('mount_setattr', call(native, mount, EMPTY, flags, argument, argument.byteLength));
}

/** Options of {@link umount}. */
export interface UmountOptions {
  /** Take it away at once, and free it when nobody uses it any more (MNT_DETACH). */
  readonly detach?: boolean | undefined;
  /** Follow a symbolic link at the end of the path. */
  readonly follow?: boolean | undefined;
}

/**
 * Take away the topmost mount at `path` (umount2(2)).
 *
 * @throws {LinuxError} EBUSY while it is used; EINVAL if nothing is mounted there; EPERM; UNSUPPORTED without koffi
 */
export function umount(path: PathLike, { detach = false, follow = false }: UmountOptions = {}): void {
  const native = required('umount2', nativeUmount2());
  check('umount2', call(native, nativePath(path), (detach ? MNT_DETACH : 0) | (follow ? 0 : UMOUNT_NOFOLLOW)), displayed(path));
}

/** struct mount_attr: attr_set, attr_clr, propagation, userns_fd, each of 64 bits. */
function mountAttr({ set = {}, clear = {}, propagation, userNamespace }: MountChange): Uint8Array {
  const view = new DataView(new ArrayBuffer(32));
  const mapped = userNamespace === undefined ? 0 : MOUNT_ATTR_IDMAP;
  view.setBigUint64(0, BigInt(attributeBits(set) | mapped), LITTLE_ENDIAN);
  view.setBigUint64(8, BigInt(attributeBits(clear)), LITTLE_ENDIAN);
  view.setBigUint64(16, propagation === undefined ? 0n : PROPAGATION[propagation], LITTLE_ENDIAN);
  view.setBigUint64(24, BigInt(userNamespace ?? 0), LITTLE_ENDIAN);
  return new Uint8Array(view.buffer);
}

const nativeOpenTree = systemCall(428, 'int directory, const uint8_t *path, uint flags');
const nativeMoveMount = systemCall(429, 'int fromDirectory, const uint8_t *from, int toDirectory, const uint8_t *to, uint flags');
const nativeMountSetattr = systemCall(442, 'int directory, const uint8_t *path, uint flags, const uint8_t *attributes, size_t size');
const nativeUmount2 = libcFunction('int umount2(const uint8_t *path, int flags)');

const EMPTY = new Uint8Array(1);
const LITTLE_ENDIAN = endianness() === 'LE';
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const AT_RECURSIVE = 0x8000;
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0o2000000;
const MOVE_MOUNT_F_EMPTY_PATH = 0x04;
const MOVE_MOUNT_T_SYMLINKS = 0x10;
const MOUNT_ATTR_IDMAP = 0x10_0000;
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;
const PROPAGATION = { unbindable: 1n << 17n, private: 1n << 18n, slave: 1n << 19n, shared: 1n << 20n } as const;
