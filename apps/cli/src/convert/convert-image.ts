import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { UsageError, type CommandContext, type GlobalValues } from '@cfskit/cli-kit';
import type { ImageSource, Platform } from '@cfskit/oci-spec';
import {
  convert,
  convertDumpfile,
  convertErofs,
  type ByteOutput,
  type ContentStore,
  type ImageSpec,
  type RenderImage,
  type RenderReport,
} from '@cfskit/render';
import { LocalObjectStore } from '@cfskit/repository';
import type { Algorithm } from '@cfskit/fs-verity';
import { requestedFormat } from '../image-id.ts';
import { unpackRules } from '../unpack-options.ts';
import type { Destination } from './destination.ts';
import type { ConvertValues } from './options.ts';

/** An image, and how it is read. */
export interface ConvertSubject {
  readonly image: ImageSource | RenderImage;
  /** Layers come over the network: they are kept while they are needed twice. */
  readonly isFar?: boolean;
  readonly platform?: Platform | undefined;
}

/** What came of a conversion. */
export interface Converted {
  readonly bytes: number;
  readonly digest?: string;
  readonly imageId?: string;
  readonly report: RenderReport;
  readonly linksDropped?: number;
}

/** Values of the options of a conversion, with the global ones that matter. */
export type ConversionValues = ConvertValues & Pick<GlobalValues, 'hash' | 'erofs-version'>;

/**
 * Where the bytes of a conversion go: nothing else may be written to standard output then.
 *
 * @throws {UsageError} binary data for a terminal, data and JSON both on standard output
 */
export function openDestination({ kind, path }: Destination, context: CommandContext): string | ByteOutput {
  if (path !== undefined) return path;
  const target = context.dataTarget(undefined, { binary: kind === 'tar' });
  return { write: (pieces) => target.write(pieces), finish: nothing, abort: nothing };
}

function nothing(): Promise<void> {
  return Promise.resolve();
}

/**
 * Make of an image what the destination says, with its progress and warnings.
 *
 * @param to of {@link openDestination}
 * @throws {RenderError} {FsTreeError} {ErofsError} and what the source throws
 */
export async function convertImage(
  { image, isFar = false, platform }: ConvertSubject,
  destination: Destination,
  to: string | ByteOutput,
  values: ConversionValues,
  context: CommandContext,
): Promise<Converted> {
  const { signal, reporter, log, world } = context;
  const common = { signal, reporter, onWarning: (text: string) => log.warn(text), ...(platform && { platform }) };
  if (destination.kind === 'erofs' || destination.kind === 'dumpfile') {
    const { hash: algorithm = 'sha512', xattrs } = values;
    const options = { ...common, algorithm, xattrs, ...digestStore(values, algorithm, world.cwd) };
    const version = requestedFormat(values);
    if (destination.kind === 'dumpfile') return await convertDumpfile(image, to, options);
    return await convertErofs(image, to, { ...options, ...(version !== undefined && { version }) });
  }
  return await convert(image, imageSpec(destination, to, values, context), {
    ...common,
    strict: values.strict,
    ...(values.jobs !== undefined && { jobs: values.jobs }),
    ...(isFar && { fetchDirectory: roomBeside(destination) }),
    ...(destination.kind === 'squashfs' && { maxUnpackedBytes: MAX_UNPACKED_BYTES }),
  });
}

/** mksquashfs keeps all processors busy, so unpacking a second time would take them away from it. */
const MAX_UNPACKED_BYTES = 2 ** 33;

function imageSpec(
  { kind, path = '' }: Destination,
  to: string | ByteOutput,
  values: ConversionValues,
  { world }: CommandContext,
): ImageSpec {
  switch (kind) {
    case 'tar':
      return { kind, to, order: values.order };
    case 'squashfs': {
      const { mksquashfs, compression } = values;
      const reproducible = values.reproducible && (sourceDateEpoch(world.env) ?? true);
      return { kind, to: path, compression, reproducible, ...(mksquashfs !== undefined && { binpath: programAt(mksquashfs, world.cwd) }) };
    }
    default:
      return { kind: 'dir', to: path, ...unpackRules(values) };
  }
}

/** A name is looked for on PATH, a path begins at the working directory. */
function programAt(text: string, cwd: string): string {
  if (text === '') throw new UsageError('--mksquashfs: the path is empty');
  return text.includes('/') ? resolve(cwd, text) : text;
}

/** @throws {UsageError} for something else than seconds since 1970 */
function sourceDateEpoch(env: Readonly<Record<string, string | undefined>>): bigint | undefined {
  const text = env['SOURCE_DATE_EPOCH'] ?? '';
  if (text === '') return undefined;
  if (/^\d{1,10}$/.test(text)) return BigInt(text);
  throw new UsageError(`SOURCE_DATE_EPOCH: wanted seconds since 1970, found '${text}'`);
}

function digestStore(
  { 'digest-store': directory }: ConversionValues,
  algorithm: Algorithm,
  cwd: string,
): { readonly store?: ContentStore } {
  if (directory === undefined) return {};
  if (directory === '') throw new UsageError('--digest-store: the path is empty');
  const path = resolve(cwd, directory);
  return { store: new LocalObjectStore({ path, directory: path, algorithm, secure: false }) };
}

/** Where the destination is there is room for it, so there should be room for the layers too. */
function roomBeside({ path }: Destination): string {
  if (path === undefined) return tmpdir();
  const parent = dirname(path);
  return existsSync(parent) ? parent : tmpdir();
}
