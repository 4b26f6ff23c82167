import { randomInt } from 'node:crypto';

/** How temporary files for objects begin; they are directly in `objects/`. */
export const OBJECT_PREFIX = '.tmp-object-';
/** How temporary links begin; they are directly in the root. */
export const LINK_PREFIX = '.symlink-';
/** How other temporary files begin; they are directly in the root, where users may keep files of their own. */
export const ROOT_PREFIX = '.tmp-cfskit-';
/** How names of streams begin that hold an object for a while; they are in `streams/`, where every collector sees them. */
export const HOLD_PREFIX = '.holding-';
/** How many names are tried before a taken one is an error. */
export const NAME_ATTEMPTS = 16;

/** `prefix` and twelve random letters or digits. */
export function temporaryName(prefix: string): string {
  return prefix + Array.from({ length: 12 }, () => ALPHANUMERICS[randomInt(ALPHANUMERICS.length)]).join('');
}

const ALPHANUMERICS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
