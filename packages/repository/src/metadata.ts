import { formatAlgorithmName, parseAlgorithmName, type Algorithm } from '@cfskit/fs-verity';
import { parseJson } from '@cfskit/oci-spec';
import { messageOf, RepositoryError } from './errors.ts';

/** Formats of EROFS images, by the number in `meta.json`. */
export type ErofsFormat = 0 | 1 | 2;

/** Which image formats a repository produces: `default`, and others besides. */
export interface ErofsFormats {
  readonly default: ErofsFormat;
  /** Ascending, without repeats. */
  readonly extra: readonly ErofsFormat[];
}

/** Names of features that a program must know: to open a repository, to write to it, or not at all. */
export interface FeatureFlags {
  /** Unknown ones are ignored. */
  readonly compatible: readonly string[];
  /** With unknown ones a repository may be read, not written. */
  readonly readOnlyCompatible: readonly string[];
  /** With unknown ones it is not opened. */
  readonly incompatible: readonly string[];
}

/** The content of `meta.json`. */
export interface RepositoryMetadata {
  /** Version of the layout; this package knows 1. */
  readonly version: number;
  readonly algorithm: Algorithm;
  readonly features: FeatureFlags;
  /** As in the file; {@link effectiveFormats} is what they mean. */
  readonly erofsFormats: ErofsFormats;
}

/** Version of the layout that this package reads and writes. */
const FORMAT_VERSION = 1;
/** Largest `meta.json` that is read, in bytes. */
export const MAX_METADATA_SIZE: number = 1 << 20;

/** Metadata of a new repository. A default of format 1 brings the flag that stops older programs from writing. */
export function newMetadata(algorithm: Algorithm, formats: ErofsFormats = { default: 1, extra: [] }): RepositoryMetadata {
  const readOnlyCompatible = formats.default === 1 ? [V1_EROFS] : [];
  return {
    version: FORMAT_VERSION,
    algorithm,
    features: { compatible: [], readOnlyCompatible, incompatible: [] },
    erofsFormats: { default: formats.default, extra: ascending(formats.extra) },
  };
}

/**
 * Parse the bytes of `meta.json`. Unknown members are ignored; any member given twice is refused.
 *
 * @throws {RepositoryError} INVALID_METADATA `failed to parse meta.json`, with the reason as its cause
 */
export function parseMetadata(bytes: Uint8Array): RepositoryMetadata {
  try {
    return readMetadata(parseJson(bytes));
  } catch (cause) {
    throw new RepositoryError('INVALID_METADATA', 'meta.json', `failed to parse meta.json: ${messageOf(cause)}`, { cause });
  }
}

/** The exact text of `meta.json`. Members that this package does not know are lost. */
export function formatMetadata({ version, algorithm, features, erofsFormats }: RepositoryMetadata): string {
  const value = {
    version,
    algorithm: formatAlgorithmName(algorithm),
    features: {
      compatible: features.compatible,
      'read-only-compatible': features.readOnlyCompatible,
      incompatible: features.incompatible,
    },
    erofs_formats: { default: erofsFormats.default, ...(erofsFormats.extra.length > 0 && { extra: ascending(erofsFormats.extra) }) },
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** What `erofs_formats` means beside the feature flag: an explicit 2 alone together with the flag reads as 1, as in the reference. */
export function effectiveFormats({ features, erofsFormats }: RepositoryMetadata): ErofsFormats {
  if (erofsFormats.default !== 2 || erofsFormats.extra.length > 0) return erofsFormats;
  return { default: features.readOnlyCompatible.includes(V1_EROFS) ? 1 : 2, extra: [] };
}

/** The formats of images to make: the default first, then the others in ascending order. */
export function formatsToMake(metadata: RepositoryMetadata): readonly ErofsFormat[] {
  const formats = effectiveFormats(metadata);
  return [formats.default, ...ascending(formats.extra).filter((format) => format !== formats.default)];
}

/**
 * Decide whether this package can use a repository.
 *
 * @param expected the algorithm the caller counts on, if any
 * @returns unknown read-only-compatible features: with any, the repository must not be written
 * @throws {RepositoryError} UNSUPPORTED_VERSION, ALGORITHM_MISMATCH, UNKNOWN_FEATURES
 */
export function checkCompatibility({ version, algorithm, features }: RepositoryMetadata, expected?: Algorithm): readonly string[] {
  if (version > FORMAT_VERSION) {
    const message = `unsupported repository format version ${version} (this tool supports up to ${FORMAT_VERSION})`;
    throw new RepositoryError('UNSUPPORTED_VERSION', 'meta.json', message);
  }
  if (expected !== undefined && algorithm !== expected) {
    const message = `repository algorithm ${formatAlgorithmName(algorithm)} does not match expected ${formatAlgorithmName(expected)}`;
    throw new RepositoryError('ALGORITHM_MISMATCH', 'meta.json', message);
  }
  if (features.incompatible.length > 0) {
    const message = `repository requires unknown incompatible features: ${formatFeatures(features.incompatible)}`;
    throw new RepositoryError('UNKNOWN_FEATURES', 'meta.json', message);
  }
  return features.readOnlyCompatible.filter((feature) => feature !== V1_EROFS);
}

/** Whether two repositories have the same configuration. Security is no part of it. */
export function sameMetadata(one: RepositoryMetadata, other: RepositoryMetadata): boolean {
  return formatMetadata(one) === formatMetadata(other);
}

/** A list of names, as messages show it: `["a", "b"]`. */
export function formatFeatures(features: readonly string[]): string {
  return `[${features.map((feature) => JSON.stringify(feature)).join(', ')}]`;
}

const V1_EROFS = 'v1_erofs';

type JsonObject = Readonly<Record<string, unknown>>;

function readMetadata(value: unknown): RepositoryMetadata {
  const object = readObject(value, 'document');
  return {
    version: readVersion(object['version']),
    algorithm: readAlgorithm(object['algorithm']),
    features: readFeatures(object['features']),
    erofsFormats: readFormats(object['erofs_formats']),
  };
}

function readVersion(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff) return value;
  throw invalid('version', 'an unsigned 32-bit integer', value);
}

function readAlgorithm(value: unknown): Algorithm {
  if (typeof value !== 'string') throw invalid('algorithm', 'a string', value);
  return parseAlgorithmName(value);
}

function readFeatures(value: unknown): FeatureFlags {
  const object = value === undefined ? {} : readObject(value, 'features');
  return {
    compatible: readStrings(object['compatible'], 'features.compatible'),
    readOnlyCompatible: readStrings(object['read-only-compatible'], 'features.read-only-compatible'),
    incompatible: readStrings(object['incompatible'], 'features.incompatible'),
  };
}

function readFormats(value: unknown): ErofsFormats {
  if (value === undefined) return { default: 2, extra: [] };
  const object = readObject(value, 'erofs_formats');
  const extra = object['extra'] ?? [];
  if (!Array.isArray(extra) || object['extra'] === null) throw invalid('erofs_formats.extra', 'an array', object['extra']);
  return { default: readFormat(object['default']), extra: ascending(extra.map(readFormat)) };
}

function readFormat(value: unknown): ErofsFormat {
  if (value === 0 || value === 1 || value === 2) return value;
  throw invalid('erofs_formats', 'one of 0, 1, 2', value);
}

function readObject(value: unknown, where: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw invalid(where, 'an object', value);
}

function readStrings(value: unknown, where: string): readonly string[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw invalid(where, 'an array of strings', value);
}

function ascending(formats: readonly ErofsFormat[]): readonly ErofsFormat[] {
  return [...new Set(formats)].toSorted((a, b) => a - b);
}

function invalid(where: string, wanted: string, found: unknown): TypeError {
  const shown = JSON.stringify(found) ?? 'nothing';
  return new TypeError(`${where}: wanted ${wanted}, found ${shown.length > 100 ? `${shown.slice(0, 100)}…` : shown}`);
}
