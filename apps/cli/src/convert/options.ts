import { UsageError, type OptionSpec, type OptionValues } from '@cfskit/cli-kit';
import { xattrsOption } from '../fs-options.ts';
import { unpackOptions } from '../unpack-options.ts';
import type { DestinationKind } from './destination.ts';

const mksquashfs = {
  type: 'string',
  value: 'PATH',
  description: 'For squashfs: the program mksquashfs, 4.5 or later',
  defaultText: 'mksquashfs on PATH',
} as const;
const compression = {
  type: 'string',
  value: 'NAME',
  choices: ['zstd', 'gzip', 'xz'],
  default: 'zstd',
  description: 'For squashfs: how files are compressed: zstd, gzip or xz',
} as const;
const reproducible = {
  type: 'boolean',
  description:
    'For squashfs: the same image gives the same bytes, the time in them being SOURCE_DATE_EPOCH, else that of the newest file or the config',
} as const;
const order = {
  type: 'string',
  value: 'ORDER',
  choices: ['stream', 'sorted'],
  default: 'stream',
  description: 'For tar: order of the entries: stream (newest layer first, fast) or sorted (by name, parents first)',
} as const;
const xattrs: typeof xattrsOption = { ...xattrsOption, description: `For erofs and dumpfile: ${xattrsOption.description}` };
const digestStore = {
  type: 'string',
  value: 'DIR',
  description: 'For erofs: copy files of more than 64 bytes there, named by their digests',
} as const;

/** Where mksquashfs is. */
export const mksquashfsOption: { readonly mksquashfs: typeof mksquashfs } = { mksquashfs };

/** Options that only some kinds of destination have. */
type KindOptions = typeof unpackOptions & {
  readonly mksquashfs: typeof mksquashfs;
  readonly compression: typeof compression;
  readonly reproducible: typeof reproducible;
  readonly order: typeof order;
  readonly xattrs: typeof xattrs;
  readonly 'digest-store': typeof digestStore;
};

const kindOptions: KindOptions = { mksquashfs, compression, reproducible, order, ...unpackOptions, xattrs, 'digest-store': digestStore };

const jobs = {
  type: 'integer',
  value: 'N',
  min: 1,
  max: 256,
  description: 'Layers that are read at once',
  defaultText: 'the number of CPUs, at most 4',
} as const;
const strict = {
  type: 'boolean',
  description: 'A hard link without a target is an error; else it is left out, with a warning',
} as const;

/** Options of a conversion; most are for some kinds of destination only. */
export const convertOptions: KindOptions & { readonly jobs: typeof jobs; readonly strict: typeof strict } = {
  ...kindOptions,
  jobs,
  strict,
};

/** Values of {@link convertOptions}. */
export type ConvertValues = OptionValues<typeof convertOptions>;

/** What each option of the kinds is for. */
const BELONGS_TO: Readonly<Record<keyof KindOptions, readonly DestinationKind[]>> = {
  mksquashfs: ['squashfs'],
  compression: ['squashfs'],
  reproducible: ['squashfs'],
  order: ['tar'],
  merge: ['dir'],
  owner: ['dir'],
  devices: ['dir'],
  'xattr-errors': ['dir'],
  xattrs: ['erofs', 'dumpfile'],
  'digest-store': ['erofs'],
};

/**
 * Refuse options that mean nothing for a destination.
 *
 * @throws {UsageError}
 */
export function checkOptionsFit(values: ConvertValues, kind: DestinationKind): void {
  for (const [name, spec] of Object.entries(kindOptions) as [keyof KindOptions, OptionSpec][]) {
    const kinds = BELONGS_TO[name];
    if (!kinds.includes(kind) && values[name] !== unset(spec)) {
      throw new UsageError(`--${name}: for ${kinds.map((one) => `${one}:`).join(' and ')} only, not for ${kind}:`);
    }
  }
}

/** The values of all options where none was given: for commands that have few of them. */
export function convertDefaults(): ConvertValues {
  return Object.fromEntries(Object.entries(convertOptions).map(([name, spec]) => [name, unset(spec)])) as unknown as ConvertValues;
}

function unset(spec: OptionSpec): unknown {
  return spec.type === 'boolean' ? false : 'default' in spec ? spec.default : undefined;
}
