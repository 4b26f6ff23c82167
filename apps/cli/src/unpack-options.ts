import type { CommandContext, OptionValues } from '@cfskit/cli-kit';
import type { DirectoryOptions, RenderReport } from '@cfskit/render';

/** Options of the commands that unpack into a directory. */
export const unpackOptions = {
  merge: { type: 'boolean', description: 'Unpack into a directory that is not empty; what is in the way of a file is replaced' },
  owner: {
    type: 'string',
    value: 'POLICY',
    choices: ['preserve', 'ignore', 'require'],
    default: 'preserve',
    description: 'Owners: preserve (counted where this user may not), ignore, or require',
  },
  devices: {
    type: 'string',
    value: 'POLICY',
    choices: ['skip', 'error', 'placeholder'],
    default: 'skip',
    description: 'Devices that this user may not make: skip, error, or placeholder (an empty file)',
  },
  'xattr-errors': {
    type: 'string',
    value: 'POLICY',
    choices: ['ignore', 'require'],
    default: 'ignore',
    description: 'Extended attributes that cannot be set: ignore (they are counted) or require',
  },
} as const;

/** Values of {@link unpackOptions}. */
export type UnpackValues = OptionValues<typeof unpackOptions>;

/** The rules that the options ask for. */
export function unpackRules(values: UnpackValues): DirectoryOptions {
  return { merge: values.merge, owner: values.owner, devices: values.devices, xattrErrors: values['xattr-errors'] };
}

/** What was left out or made otherwise, as JSON. */
export function reportJson(report: RenderReport): unknown {
  return {
    owners_skipped: report.ownersSkipped,
    xattrs_skipped: report.xattrsSkipped,
    devices_skipped: report.devicesSkipped,
    links_copied: report.linksCopied,
    times_rounded: report.timesRounded,
  };
}

/** Say on standard error what was left out or made otherwise. */
export function warnOfReport(report: RenderReport, { log }: CommandContext): void {
  const parts = Object.entries(TEXTS).flatMap(([key, text]) => {
    const count = report[key as keyof RenderReport];
    return count === 0 ? [] : [`${count} ${count === 1 ? text.one : text.many}`];
  });
  if (parts.length > 0) log.warn(`not as in the image: ${parts.join(', ')}`);
}

const TEXTS: Readonly<Record<keyof RenderReport, { readonly one: string; readonly many: string }>> = {
  ownersSkipped: { one: 'with another owner', many: 'with another owner' },
  xattrsSkipped: { one: 'extended attribute left out', many: 'extended attributes left out' },
  devicesSkipped: { one: 'device left out', many: 'devices left out' },
  linksCopied: { one: 'hard link copied', many: 'hard links copied' },
  timesRounded: { one: 'time rounded', many: 'times rounded' },
};
