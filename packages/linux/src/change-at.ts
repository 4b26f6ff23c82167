import { renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { errnoOf } from './errors.ts';
import { call, libcFunction64, systemCall } from './libc.ts';
import { entryPath, nativeName, pathError } from './names.ts';

/** What {@link unlinkAt} removes: an empty directory, or anything else. */
export interface UnlinkOptions {
  readonly directory?: boolean | undefined;
}

/**
 * Remove an entry of an open directory (unlinkat(2)).
 *
 * @returns `'missing'` if there is none of that name
 * @throws {LinuxError} the errno: EISDIR or EPERM for a directory without `directory`, ENOTDIR, ENOTEMPTY; INVALID_NAME
 */
export function unlinkAt(directory: number, name: Uint8Array, options: UnlinkOptions = {}): 'removed' | 'missing' {
  const native = nativeUnlinkat();
  const removesDirectory = options.directory === true;
  const errno =
    native === undefined
      ? errnoOf(() => (removesDirectory ? rmdirSync : unlinkSync)(entryPath(directory, name)))
      : call(native, directory, nativeName(name), removesDirectory ? AT_REMOVEDIR : 0).errno;
  if (errno !== 0 && errno !== ENOENT) throw pathError('unlinkat', errno, name);
  return errno === 0 ? 'removed' : 'missing';
}

/**
 * What {@link renameAt} does when the new name is taken: put the entry in its place, leave both alone, or let the two change places. The last
 * two are decided and done in one step.
 */
export type RenameMode = 'replace' | 'keep' | 'exchange';

/**
 * Rename an entry of an open directory, perhaps into another one (renameat2(2)).
 *
 * @returns `'exists'` if the name is taken, with `keep`; `'unsupported'` if the file system, the kernel or, without koffi, Node cannot `keep`
 *   or `exchange`
 * @throws {LinuxError} the errno, for instance EXDEV, ENOTEMPTY; INVALID_NAME
 */
export function renameAt(
  fromDirectory: number,
  from: Uint8Array,
  toDirectory: number,
  to: Uint8Array,
  mode: RenameMode = 'replace',
): 'renamed' | 'exists' | 'unsupported' {
  if (mode !== 'replace') return renameSpecially(fromDirectory, from, toDirectory, to, mode);
  const native = nativeRenameat();
  const errno =
    native === undefined
      ? errnoOf(() => renameSync(entryPath(fromDirectory, from), entryPath(toDirectory, to)))
      : call(native, fromDirectory, nativeName(from), toDirectory, nativeName(to)).errno;
  if (errno !== 0) throw pathError('renameat', errno, from);
  return 'renamed';
}

function renameSpecially(
  fromDirectory: number,
  from: Uint8Array,
  toDirectory: number,
  to: Uint8Array,
  mode: 'keep' | 'exchange',
): 'renamed' | 'exists' | 'unsupported' {
  const [source, destination] = [nativeName(from), nativeName(to)];
  const native = nativeRenameat2();
  if (native === undefined) return 'unsupported';
  const { errno } = call(native, fromDirectory, source, toDirectory, destination, mode === 'keep' ? RENAME_NOREPLACE : RENAME_EXCHANGE);
  if (errno === EEXIST) return 'exists';
  if (errno === EINVAL || errno === ENOSYS) return 'unsupported';
  if (errno !== 0) throw pathError('renameat2', errno, from);
  return 'renamed';
}

/** Numbers of renameat2 where Node runs; libcs have the function only since 2018, and not all of them. */
const RENAMEAT2: Partial<Record<NodeJS.Architecture, number>> = {
  x64: 316,
  arm64: 276,
  riscv64: 276,
  loong64: 276,
  ppc64: 357,
  s390x: 347,
};

const nativeUnlinkat = libcFunction64('int unlinkat(int directory, const uint8_t *name, int flags)');
const nativeRenameat = libcFunction64('int renameat(int fromDirectory, const uint8_t *from, int toDirectory, const uint8_t *to)');
const nativeRenameat2 = systemCall(
  RENAMEAT2[process.arch],
  'int fromDirectory, const uint8_t *from, int toDirectory, const uint8_t *to, uint flags',
);

const AT_REMOVEDIR = 0x200;
const RENAME_NOREPLACE = 1;
const RENAME_EXCHANGE = 2;
const ENOENT = 2;
const EEXIST = 17;
const EINVAL = 22;
const ENOSYS = 38;
