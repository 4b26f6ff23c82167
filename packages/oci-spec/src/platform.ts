import { OciSpecError, quote } from './errors.ts';
import { optional, read, required, type Reader } from './json-field.ts';

/** What an image runs on, in Go's names. Keys are spelled as in the JSON. */
export interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
}

const PART = /^[A-Za-z0-9_.-]+$/;

/**
 * Parse `os/arch` or `os/arch/variant`, such as `linux/arm/v7`.
 *
 * @throws {OciSpecError} INVALID_PLATFORM
 */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/');
  const [os, architecture, variant] = parts;
  if (os === undefined || architecture === undefined || parts.length > 3 || !parts.every((part) => PART.test(part))) {
    throw new OciSpecError('INVALID_PLATFORM', `wanted a platform such as linux/amd64 or linux/arm/v7, found ${quote(text)}`);
  }
  return { os, architecture, ...(variant !== undefined && { variant }) };
}

/** `os/arch` or `os/arch/variant`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

const GO_ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ['x64', 'amd64'],
  ['ia32', '386'],
  ['ppc64', 'ppc64le'],
  ['mipsel', 'mipsle'],
]);

/**
 * The platform whose images this machine runs: `nativePlatform(process)`.
 *
 * The operating system is always linux: on macOS and Windows container images are Linux images too. No variant is given, so that any
 * variant will do.
 *
 * @param machine `arch` in Node's names; Node's 64-bit POWER is little-endian. `platform` changes nothing.
 */
export function nativePlatform(machine: { readonly arch: string; readonly platform?: string }): Platform {
  return { os: 'linux', architecture: GO_ARCHITECTURES.get(machine.arch) ?? machine.arch };
}

/** Whether an image for `found` serves who asks for `wanted`; see {@link platformRank}. */
export function matchesPlatform(wanted: Platform, found: Platform): boolean {
  return platformRank(wanted, found) !== undefined;
}

/**
 * How well an image for `found` serves who asks for `wanted`: 0 is best, undefined is not at all.
 *
 * Without a variant in `wanted`, variants do not matter. With one, numbered variants accept smaller numbers, nearest first:
 * `arm/v7` accepts v6 and v5, `amd64/v3` accepts v2 and v1. An entry without a variant counts as `arm64/v8`, `arm/v7` or `amd64/v1`.
 * `os.version` and `os.features` do not matter.
 */
export function platformRank(wanted: Platform, found: Platform): number | undefined {
  if (wanted.os !== found.os || wanted.architecture !== found.architecture) return undefined;
  if (wanted.variant === undefined) return 0;
  const foundVariant = found.variant ?? DEFAULT_VARIANTS.get(found.architecture);
  if (foundVariant === wanted.variant) return 0;
  return versionDistance(wanted.architecture, wanted.variant, foundVariant);
}

const DEFAULT_VARIANTS: ReadonlyMap<string, string> = new Map([
  ['amd64', 'v1'],
  ['arm', 'v7'],
  ['arm64', 'v8'],
]);

const VERSION = /^v([0-9]{1,3})$/;

function versionDistance(architecture: string, wanted: string, found: string | undefined): number | undefined {
  if (found === undefined || !DEFAULT_VARIANTS.has(architecture)) return undefined;
  const distance = Number(VERSION.exec(wanted)?.[1]) - Number(VERSION.exec(found)?.[1]);
  return distance > 0 ? distance : undefined;
}

/** A platform as it stands in a descriptor, or beside other members in a config. */
export const readPlatform: Reader<Platform> = (value, path) => {
  const object = read.object(value, path);
  return {
    architecture: required(object, 'architecture', path, read.string),
    os: required(object, 'os', path, read.string),
    ...optional(object, 'variant', path, read.string),
    ...optional(object, 'os.version', path, read.string),
    ...optional(object, 'os.features', path, read.array(read.string)),
  };
};
