import { constants, copyFileSync, fchmodSync, fstatSync } from 'node:fs';
import { hasCode, systemError } from './errors.ts';
import { ioctlNumber, ioctlNumeric } from './ioctl.ts';

/**
 * Make the file behind `targetFd` share the blocks of the one behind `sourceFd` (FICLONE), so that a copy costs neither time nor space.
 * The target's permissions and owner stay; what it held is replaced. Without koffi, Node's copyFile does it.
 *
 * @param targetFd open for writing, in the same file system; may be unnamed
 * @returns `false` if these two files cannot share blocks: copy then
 * @throws {LinuxError} the errno of other failures; Node's own errors
 */
export function reflink(sourceFd: number, targetFd: number): boolean {
  const result = ioctlNumeric(targetFd, FICLONE, sourceFd);
  if (result === undefined) return reflinkByCopyFile(sourceFd, targetFd);
  if (result.errno === 0) return true;
  if (CANNOT_SHARE.has(result.errno)) return false;
  throw systemError('FICLONE', result.errno);
}

/** libuv's forced clone is the same ioctl, but it gives the target the source's permissions. */
function reflinkByCopyFile(sourceFd: number, targetFd: number): boolean {
  const { mode } = fstatSync(targetFd);
  try {
    copyFileSync(`/proc/self/fd/${sourceFd}`, `/proc/self/fd/${targetFd}`, constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EINVAL', 'ENOTTY', 'ENOSYS')) return false;
    throw error;
  } finally {
    fchmodSync(targetFd, mode & 0o7777);
  }
}

const FICLONE = ioctlNumber('write', 0x94, 9, 4);
// EXDEV, EINVAL, ENOTTY, ENOSYS, EOPNOTSUPP: other file system, or one that has no clones, or not for these files.
const CANNOT_SHARE: ReadonlySet<number> = new Set([18, 22, 25, 38, 95]);
