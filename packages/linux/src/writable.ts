import { accessSync, constants } from 'node:fs';
import { hasCode } from './errors.ts';

/** Whether a directory can be written to: `read-only` is the mount, `denied` its permissions. */
export type Writability = 'writable' | 'read-only' | 'denied';

/**
 * Ask, without writing, whether this user may write to `path`. One access(2) answers both questions: it reports a read-only mount to root,
 * too, whom no permission stops.
 *
 * @throws Node's own errors, for instance ENOENT
 */
export function checkWritable(path: string): Writability {
  try {
    accessSync(path, constants.W_OK);
    return 'writable';
  } catch (error) {
    if (hasCode(error, 'EROFS')) return 'read-only';
    if (hasCode(error, 'EACCES', 'EPERM')) return 'denied';
    throw error;
  }
}
