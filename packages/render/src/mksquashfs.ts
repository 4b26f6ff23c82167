import { RenderError } from './errors.ts';
import type { EntryStat } from './layer-entry.ts';
import { outputOf, type ProgramOptions } from './run-program.ts';

/** How file contents are compressed. */
export type SquashfsCompression = 'zstd' | 'gzip' | 'xz';

/** Version of squashfs-tools, as numbers. */
export type ToolsVersion = readonly number[];

/** The first version that reads a tar. */
const FIRST_WITH_TAR: ToolsVersion = [4, 5];
/** The first with metadata for directories that the tar does not describe. We describe all. */
const FIRST_WITH_DEFAULTS: ToolsVersion = [4, 6];
/** The first that can be told not to look owners up by name on this machine. We send no names. */
const FIRST_WITH_NUMERIC_OWNER: ToolsVersion = [4, 7, 5];

const COMPRESSION: Readonly<Record<SquashfsCompression, readonly string[]>> = {
  // Level 2 is twice as fast as the default 15 and the result a tenth larger; the others have the tool's own level.
  zstd: ['-comp', 'zstd', '-Xcompression-level', '2'],
  gzip: ['-comp', 'gzip'],
  xz: ['-comp', 'xz'],
};

/** Of its queues, which otherwise take up to a quarter of the machine's memory when we are faster than it. The image is the same. */
const MEMORY: readonly string[] = ['-mem', '128M'];

/**
 * Version of a mksquashfs; nothing if it does not say it in a form we know: then it is tried as it is.
 *
 * @throws {RenderError} PROGRAM_MISSING, PROGRAM_TOO_OLD below 4.5. The signal's reason
 */
export async function mksquashfsVersion(program: string, options: ProgramOptions = {}): Promise<ToolsVersion | undefined> {
  const version = parseVersion(await outputOf(program, ['-version'], options));
  if (version !== undefined && isBefore(version, FIRST_WITH_TAR)) {
    throw new RenderError('PROGRAM_TOO_OLD', `wanted mksquashfs 4.5 or later, which reads tars, found ${version.join('.')} at ${program}`, {
      path: program,
    });
  }
  return version;
}

/** The version in what `-version` prints, `mksquashfs version 4.5.1 (2022/03/17)`. */
export function parseVersion(text: string): ToolsVersion | undefined {
  const numbers = /squashfs version (\d+(?:\.\d+)*)/.exec(text)?.[1];
  return numbers?.split('.').map(Number);
}

/** The command line that makes an image of a tar on standard input. */
export function mksquashfsArguments(
  output: string,
  root: EntryStat,
  compression: SquashfsCompression,
  version: ToolsVersion | undefined,
): string[] {
  const file = output.startsWith('-') ? `./${output}` : output;
  const has = (first: ToolsVersion): boolean => version !== undefined && !isBefore(version, first);
  const rootMode = root.mode.toString(8).padStart(4, '0');
  const args = ['-', file, '-tar', '-noappend', '-no-fragments', ...COMPRESSION[compression], ...MEMORY, '-quiet', '-no-progress'];
  args.push('-root-mode', rootMode, '-root-uid', String(root.uid), '-root-gid', String(root.gid));
  return [
    ...args,
    ...(has(FIRST_WITH_DEFAULTS) ? ['-default-mode', '0755', '-default-uid', '0', '-default-gid', '0'] : []),
    ...(has(FIRST_WITH_NUMERIC_OWNER) ? ['-numeric-owner'] : []),
  ];
}

function isBefore(version: ToolsVersion, other: ToolsVersion): boolean {
  for (const [i, number] of other.entries()) {
    const found = version[i] ?? 0;
    if (found !== number) return found < number;
  }
  return false;
}
