import { readFileSync } from 'node:fs';
import type { Command, CommandEntry, Program } from '@cfskit/cli-kit';
import { errorCodes } from './error-codes.ts';
import { hints } from './hints.ts';
import { leftOut } from './left-out.ts';

const { version } = readPackage();

/** The three programs of composefs 1.0, which this one can also be started as. */
const classic = {
  mkcomposefs: async () => (await import('./commands/mkcomposefs.ts')).mkcomposefs,
  'composefs-info': async () => (await import('./commands/composefs-info.ts')).composefsInfo,
  'mount.composefs': async () => (await import('./commands/mount-composefs.ts')).mountComposefs,
} as const;

/** The cfskit program: every command under its names, each loaded when it is called. */
export const cfskit: Program = {
  name: 'cfskit',
  version,
  summary: 'OCI images into composefs repositories',
  groups: { oci: 'OCI images in the repository', object: 'Objects of the repository, by their ids' },
  commands: [
    command(['init'], async () => (await import('./commands/init.ts')).init),
    command(['oci pull', 'pull'], async () => (await import('./commands/oci-pull.ts')).ociPull),
    command(['oci images', 'oci ls'], async () => (await import('./commands/oci-images.ts')).ociImages),
    command(['oci inspect', 'inspect'], async () => (await import('./commands/oci-inspect.ts')).ociInspect),
    command(['oci tag', 'tag'], async () => (await import('./commands/oci-tag.ts')).ociTag),
    command(['oci untag', 'untag'], async () => (await import('./commands/oci-untag.ts')).ociUntag),
    command(['oci layer', 'layer'], async () => (await import('./commands/oci-layer.ts')).ociLayer),
    command(['oci ls-layer', 'ls-layer'], async () => (await import('./commands/oci-ls-layer.ts')).ociLsLayer),
    command(['oci import-layer', 'import-layer'], async () => (await import('./commands/oci-import-layer.ts')).ociImportLayer),
    command(['oci dump', 'dump'], async () => (await import('./commands/oci-dump.ts')).ociDump),
    command(['oci compute-id'], async () => (await import('./commands/oci-compute-id.ts')).ociComputeId),
    command(['oci create-image'], async () => (await import('./commands/oci-create-image.ts')).ociCreateImage),
    command(['oci seal', 'seal'], async () => (await import('./commands/oci-seal.ts')).ociSeal),
    command(['oci mount'], async () => (await import('./commands/oci-mount.ts')).ociMount),
    command(['oci fsck'], async () => (await import('./commands/oci-fsck.ts')).ociFsck),
    command(['fetch'], async () => (await import('./commands/fetch.ts')).fetch),
    command(['convert'], async () => (await import('./commands/convert.ts')).convert),
    command(['convert-squashfs'], async () => (await import('./commands/convert-image-directory.ts')).convertSquashfs),
    command(['convert-tar'], async () => (await import('./commands/convert-image-directory.ts')).convertTar),
    command(['convert-dir'], async () => (await import('./commands/convert-image-directory.ts')).convertDir),
    command(['verify'], async () => (await import('./commands/verify.ts')).verify),
    command(['copy'], async () => (await import('./commands/copy.ts')).copy),
    command(['tags'], async () => (await import('./commands/tags.ts')).tags),
    command(['manifest'], async () => (await import('./commands/manifest.ts')).manifest),
    command(['login'], async () => (await import('./commands/login.ts')).login),
    command(['logout'], async () => (await import('./commands/logout.ts')).logout),
    command(['images', 'list-images'], async () => (await import('./commands/images.ts')).images),
    command(['image-objects'], async () => (await import('./commands/image-objects.ts')).imageObjects),
    command(['import-image'], async () => (await import('./commands/import-image.ts')).importImage),
    command(['create-image'], async () => (await import('./commands/create-image.ts')).createImage),
    command(['compute-id'], async () => (await import('./commands/compute-id.ts')).computeId),
    command(['create-dumpfile'], async () => (await import('./commands/create-dumpfile.ts')).createDumpfile),
    command(['dump-files'], async () => (await import('./commands/dump-files.ts')).dumpFiles),
    command(['ls'], async () => (await import('./commands/ls.ts')).ls),
    command(['cat'], async () => (await import('./commands/cat.ts')).cat),
    command(['extract'], async () => (await import('./commands/extract.ts')).extract),
    command(['diff'], async () => (await import('./commands/diff.ts')).diff),
    command(['mount'], async () => (await import('./commands/mount.ts')).mount),
    command(['umount'], async () => (await import('./commands/umount.ts')).umount),
    command(['object cat'], async () => (await import('./commands/object-cat.ts')).objectCat),
    command(['object path'], async () => (await import('./commands/object-path.ts')).objectPath),
    command(['object stat'], async () => (await import('./commands/object-stat.ts')).objectStat),
    command(['object verify'], async () => (await import('./commands/object-verify.ts')).objectVerify),
    command(['gc'], async () => (await import('./commands/gc.ts')).gc),
    command(['fsck'], async () => (await import('./commands/fsck.ts')).fsck),
    command(['transaction'], async () => (await import('./commands/transaction.ts')).transaction),
    command(['mkcomposefs'], classic.mkcomposefs),
    command(['composefs-info'], classic['composefs-info']),
    command(['mount.composefs'], classic['mount.composefs']),
  ],
  leftOut,
  about: () => ({ node: process.version, formats: { erofs: [0, 1, 2], splitstream: ['current', 'old-header'] } }),
  errorCodes: new Set(Object.keys(errorCodes)),
  hints,
};

function command(names: readonly string[], load: () => Promise<Command>): CommandEntry {
  return { names, load };
}

function readPackage(): { readonly version: string } {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
}

/** The program of composefs 1.0 that has this name: the command of that name, and nothing else. */
export function classicProgram(name: string): Program | undefined {
  const load = Object.entries(classic).find(([known]) => known === name)?.[1];
  return load && { name, version, summary: name, commands: [], command: load, errorCodes: new Set(Object.keys(errorCodes)) };
}
