import type { BooleanOption, StringOption } from '@cfskit/cli-kit';
import { transformForOci, XATTR_MODES, type Directory, type XattrMode } from '@cfskit/fs-tree';
import { LEFT_OUT } from './left-out.ts';

type XattrsOption = StringOption & { readonly choices: readonly XattrMode[]; readonly default: XattrMode };

/** How the trees of images treat extended attributes: an option of every command that makes one. */
export const xattrsOption: XattrsOption = {
  type: 'string',
  value: 'MODE',
  choices: XATTR_MODES,
  default: 'allowlist-only',
  description: 'Extended attributes of the image: allowlist-only (security.capability) or keep-user-xattrs (user.* too)',
};

/** Options of the commands that read a directory as the root of a container. */
export const fsOptions: {
  readonly xattrs: XattrsOption;
  readonly 'no-propagate-usr-to-root': BooleanOption;
  readonly bootable: BooleanOption;
} = {
  xattrs: xattrsOption,
  'no-propagate-usr-to-root': {
    type: 'boolean',
    description: 'Take the directory as it is: the root keeps its metadata, /run its content, every file its attributes',
  },
  bootable: { type: 'boolean', description: 'Boot images', refused: `not supported; use cfsctl: ${LEFT_OUT}` },
};

/** Values of {@link fsOptions}. */
export interface FsValues {
  readonly xattrs: XattrMode;
  readonly 'no-propagate-usr-to-root': boolean;
}

/**
 * What the options want done to a tree before it becomes an image.
 *
 * @throws {FsTreeError} NOT_FOUND or NOT_A_DIRECTORY for `/usr`, NOT_A_DIRECTORY for `/run`
 */
export function transformTree(root: Directory, values: FsValues): void {
  if (!values['no-propagate-usr-to-root']) transformForOci(root, values.xattrs);
}
