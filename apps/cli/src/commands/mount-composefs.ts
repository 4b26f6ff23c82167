import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { defineCommand, UsageError, type Command } from '@cfskit/cli-kit';
import { mountImageFile, parseMountOptions } from '../mount-image-file.ts';
import { checkMountPermission, withPermissionHint } from '../mount-stored.ts';

export const mountComposefs: Command = defineCommand({
  summary: 'Mount an image file, as the helper of mount -t composefs does',
  details:
    'OPTIONS: basedir=DIR[:DIR] (needed), digest=HEX, verity, tryverity, upperdir=DIR, workdir=DIR, idmap=PATH, ro, rw, between commas; a backslash before a comma makes it part of a value.',
  arguments: {
    image: { name: 'IMAGE', description: 'Image file' },
    directory: { name: 'DIR', description: 'Directory to mount it on' },
  },
  options: {
    type: { type: 'string', short: 't', value: 'TYPE', description: 'Must be composefs', default: 'composefs' },
    options: { type: 'string', short: 'o', value: 'OPTIONS', multiple: true, description: 'Options of the mount' },
  },
  examples: [
    ['mount.composefs -o basedir=/srv/objects image.cfs /mnt', 'read-only'],
    ['mount.composefs -o basedir=/srv/objects,upperdir=up,workdir=work image.cfs /mnt', 'with changes in up'],
  ],
  json: false,
  async run({ values, args }, { world }) {
    if (values.type !== 'composefs') throw new UsageError(`-t: unsupported file system type '${values.type}'`);
    const options = parseMountOptions(values.options.join(','));
    checkMountPermission();
    const target = await realpath(resolve(world.cwd, args.directory));
    const at = (path: string): string => resolve(world.cwd, path);
    const { upperdir, workdir, idmap } = options;
    withPermissionHint(() =>
      mountImageFile(at(args.image), target, {
        ...options,
        basedirs: options.basedirs.map(at),
        ...(upperdir !== undefined && { upperdir: at(upperdir) }),
        ...(workdir !== undefined && { workdir: at(workdir) }),
        ...(idmap !== undefined && { idmap: at(idmap) }),
      }),
    );
  },
});
